#include "koi/base/interrupt.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace koi::base {
namespace {

[[noreturn]] void wait_for_signal() {
  for (;;) ::pause();
}

TEST(Interrupt, a_later_signal_ends_the_process) {
  const auto again_and_again = [] {
    catch_interrupts();
    for (;;) std::raise(SIGINT);
  };
  EXPECT_EXIT(again_and_again(), testing::KilledBySignal(SIGINT), "");
}

TEST(Interrupt, two_at_once_are_one) {
  const auto twice = [] {
    catch_interrupts();
    std::raise(SIGTERM);
    std::raise(SIGINT);
    std::_Exit(stop_status());
  };
  EXPECT_EXIT(twice(), testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(Interrupt, children_are_told_too) {
  const auto told_early = [] {
    catch_interrupts();
    std::raise(SIGTERM);
    std::_Exit(run_child([] { wait_for_signal(); }));
  };
  EXPECT_EXIT(told_early(), testing::ExitedWithCode(128 + SIGTERM), "");
  const auto told_later = [] {
    catch_interrupts();
    std::_Exit(run_child([] {
      ::kill(::getppid(), SIGINT);
      wait_for_signal();
    }));
  };
  EXPECT_EXIT(told_later(), testing::ExitedWithCode(128 + SIGINT), "");
}

TEST(Interrupt, children_have_a_status) {
  EXPECT_EQ(run_child([] { ::_exit(7); }), 7);
  EXPECT_EQ(run_child([] { std::raise(SIGKILL); }), 128 + SIGKILL);
  const auto ignored_by_the_launcher = [] {
    std::signal(SIGCHLD, SIG_IGN);
    catch_interrupts();
    std::_Exit(run_child([] { ::_exit(7); }));
  };
  EXPECT_EXIT(ignored_by_the_launcher(), testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace koi::base
