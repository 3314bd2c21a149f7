#include "koi/base/shell_word.h"

#include <gtest/gtest.h>

#include "tests/support/run_program.h"

namespace koi::base {
namespace {

TEST(ShellWord, IsQuotedOnlyWhereItMustBe) {
  EXPECT_EQ(shell_word("a/민지_1.ckpt"), "a/민지_1.ckpt");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

TEST(ShellWord, AShellReadsTheTextAgain) {
  for (const char* text : {"", "a b", "$(id) `id` \\ \" '' *", "~", "-n", "a\nb", "목소리;#"}) {
    const test::RunResult result =
        test::run({"sh", "-c", "printf %s " + shell_word(text) + "; echo ."});
    EXPECT_EQ(result.out, text + std::string(".\n"));
  }
}

}  // namespace
}  // namespace koi::base
