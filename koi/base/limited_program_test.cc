#include "koi/base/limited_program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "koi/base/error.h"
#include "koi/base/files.h"
#include "koi/base/interrupt.h"
#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

using testing::HasSubstr;

class LimitedProgram : public testing::Test {
 protected:
  LimitedProgram() {
    write_file(dir / "input", "0123456789");
    input = ::open((dir / "input").c_str(), O_RDONLY | O_CLOEXEC);
  }
  ~LimitedProgram() override { ::close(input); }

  ProgramEnd shell(const std::string& script, const ProgramLimits& limits = {}) {
    return run_limited({"sh", "-c", script}, input, limits,
                       [this](std::string_view bytes) { out += bytes; });
  }

  const test::TempDir dir;
  int input = -1;
  std::string out;
};

TEST_F(LimitedProgram, OutputMessagesAndStatusComeBack) {
  const ProgramEnd end = shell("echo sound; echo trouble >&2; exit 7");
  EXPECT_EQ(out, "sound\n");
  EXPECT_EQ(end.messages, "trouble\n");
  EXPECT_EQ(end.status, 7);
  EXPECT_EQ(shell("kill -TERM $$").status, 128 + SIGTERM);
}

TEST_F(LimitedProgram, MuchOutputOnBothSidesDoesNotBlock) {
  const ProgramEnd end = shell("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2");
  EXPECT_EQ(out.size(), 1'000'000U);
  EXPECT_EQ(end.messages.size(), size_t{64} << 10);
}

TEST_F(LimitedProgram, TheInputIsOpenAndNothingElse) {
  const int secret = ::open("/dev/zero", O_RDONLY);  // inherited, were it not closed
  shell("cat; ls /proc/self/fd | tr '\\n' ' '; cat /proc/self/fd/3");
  ::close(secret);
  EXPECT_EQ(out, "0 1 2 3 4 0123456789");  // 4: the folder that ls reads
}

TEST_F(LimitedProgram, ItWritesNoFile) {
  const std::string file = (dir / "made").string();
  EXPECT_NE(shell("echo x > '" + file + "'").status, 0);
  EXPECT_EQ(read_file(file), "");
  EXPECT_EQ(shell("echo x > '" + file + "'", {.file_bytes = 100}).status, 0);
  EXPECT_EQ(read_file(file), "x\n");
}

TEST_F(LimitedProgram, MemoryAndTimeAreBounded) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  EXPECT_NE(shell("head -c 500000000 /dev/zero | sort -S 400M >&2", {.memory_bytes = 64 * kMiB})
                .messages.find("memory"),
            std::string::npos);
  EXPECT_EQ(shell("while :; do :; done", {.cpu_s = 1}).status, 128 + SIGKILL);
  for (const char* script : {"exec sleep 60", "exec sleep 60 >&- 2>&-"}) {
    const ProgramEnd end = shell(script, {.wall_s = 0});
    EXPECT_TRUE(end.timed_out);
    EXPECT_EQ(end.status, 128 + SIGKILL);
  }
}

TEST_F(LimitedProgram, ItMustNotFallSilentForLong) {
  EXPECT_EQ(shell("for i in 1 2 3 4; do echo $i; sleep 0.5; done", {.idle_s = 1}).status, 0);
  EXPECT_EQ(out, "1\n2\n3\n4\n");
  EXPECT_TRUE(shell("echo 5; exec sleep 60", {.idle_s = 1}).timed_out);
}

// A script that starts the real program: what that holds open is not waited for.
TEST_F(LimitedProgram, WhatItStartedEndsWithIt) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(shell("sleep 30 & wait", {.wall_s = 1}).timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(LimitedProgram, AnErrorWhileTakingEndsIt) {
  const auto refuse = [](std::string_view) { throw Error(ErrorKind::corrupt, "x", "enough"); };
  EXPECT_THROW(run_limited({"yes"}, input, {}, refuse), Error);
}

TEST_F(LimitedProgram, AMissingProgramIsNamed) {
  try {
    run_limited({"no-such-program"}, input, {}, [](std::string_view) {});
    ADD_FAILURE() << "was run";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.what(), HasSubstr("no-such-program"));
  }
}

// What it writes must not go where this process writes, nor its end be taken for a good one.
TEST_F(LimitedProgram, WhatCannotBeStartedOrWaitedForIsAnError) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{10, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_THROW(shell("echo x"), Error);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  const auto handler = std::signal(SIGCHLD, SIG_IGN);  // as a launcher may leave it
  EXPECT_THROW(shell("exit 1"), Error);
  std::signal(SIGCHLD, handler);
  EXPECT_EQ(shell("exit 1").status, 1);
}

TEST_F(LimitedProgram, ASignalEndsIt) {
  const auto stopped = [this] {
    catch_interrupts();
    std::raise(SIGINT);
    try {
      run_limited({"sleep", "60"}, input, {}, [](std::string_view) {});
    } catch (const Interrupted&) {
      std::_Exit(5);
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(stopped(), testing::ExitedWithCode(5), "");
}

TEST_F(LimitedProgram, ManyAtOnce) {
  std::vector<std::thread> threads;
  std::vector<std::string> outs(8);
  for (std::string& each : outs) {
    threads.emplace_back([this, &each] {
      run_limited({"cat", "/proc/self/fd/3"}, input, {},
                  [&each](std::string_view bytes) { each += bytes; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(outs, testing::Each("0123456789"));
}

}  // namespace
}  // namespace koi::base
