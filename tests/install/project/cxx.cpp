/* SPDX-License-Identifier: MIT */
/* A program in C++: constructors run, and the headers say what is C. */
#include <xenlet.h>
#include <xenlet/evtchn_static.h>
#include <xenlet/hypercall_pv.h>
#include <xenlet/platform.h>

namespace
{
class Greeting
{
  public:
    explicit Greeting(const char *whom) : whom_(whom)
    {
    }
    virtual ~Greeting() = default;
    virtual void say() const
    {
        console_printf("hello %s\n", whom_);
    }

  private:
    const char *whom_;
};

int answer()
{
    return static_cast<int>(vcpu_this()) + 42;
}

const int from_constructor = answer();
} // namespace

void operator delete(void *p) noexcept
{
    xenlet_free(p);
}

void operator delete(void *p, size_t) noexcept
{
    xenlet_free(p);
}

int main(int, char **)
{
    const Greeting greeting("C++");

    greeting.say();
    console_printf("Test result: %s\n", from_constructor == 42 ? "SUCCESS" : "FAILURE");
    return 0;
}
