#include "koi/eval/program.h"

#include <gmock/gmock.h>

#include <chrono>
#include <map>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::eval {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// Says again what it was to hear, and nothing to lines without a WAV.
constexpr char kEcho[] = R"(awk -F '\t' '$2 != "" { print $1 "\t" $3 }')";

class ProgramTest : public testing::Test {
 protected:
  std::map<size_t, std::string> answers(const std::string& command) {
    std::map<size_t, std::string> all;
    ask({"fake", command}, requests, {.idle_s = 20, .log = dir / "기록.log"},
        [&all](size_t request, std::string answer) { all.emplace(request, std::move(answer)); });
    return all;
  }
  std::string refusal(const std::string& command) {
    try {
      answers(command);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }

  const test::TempDir dir;
  std::vector<Request> requests{{"v/1", "a.wav", "one"}, {"v/2", "b.wav", "둘"}};
};

TEST_F(ProgramTest, EachRequestGetsItsAnswerInAnyOrder) {
  EXPECT_THAT(answers(kEcho), ElementsAre(Pair(0, "one"), Pair(1, "둘")));
  EXPECT_THAT(answers(std::string(kEcho) + " | tac"), ElementsAre(Pair(0, "one"), Pair(1, "둘")));
  // Without a line end behind the last one, with spaces around, with nothing heard.
  EXPECT_THAT(answers(R"(cat >/dev/null; printf 'v/2\t\nv/1\t  o n e \r')"),
              ElementsAre(Pair(0, "o n e"), Pair(1, "")));
}

TEST_F(ProgramTest, ItReadsThreeFieldsAndIsNotAskedForKnownAnswers) {
  requests = {{"v/1", "a b.wav", "one\ttwo\nthree"}, {"v/2", "", "known"}};
  EXPECT_THAT(answers("cat >'" + (dir / "in").string() + "'; printf 'v/1\\tx\\n'"),
              ElementsAre(Pair(0, "x")));
  EXPECT_EQ(base::read_file(dir / "in"), "v/1\ta b.wav\tone two three\nv/2\t\tknown\n");
  EXPECT_THAT(answers(kEcho), ElementsAre(Pair(0, "one two three")));
}

TEST_F(ProgramTest, ItsMessagesGoToTheLog) {
  answers(std::string("echo 'hello, you' >&2; ") + kEcho);
  EXPECT_EQ(base::read_file(dir / "기록.log"), "hello, you\n");
  answers(kEcho);
  EXPECT_EQ(base::read_file(dir / "기록.log"), "");
}

TEST_F(ProgramTest, ItMayWriteFilesAndMuch) {
  requests.clear();
  for (int i = 0; i < 5000; ++i)
    requests.push_back({"v/" + std::to_string(i), "a.wav", std::string(100, 'x')});
  EXPECT_EQ(answers("cat >'" + (dir / "in").string() + "'; " + kEcho + " <'" +
                    (dir / "in").string() + "'")
                .size(),
            5000U);
}

TEST_F(ProgramTest, WhatItDoesWrongIsNamed) {
  EXPECT_THAT(refusal("no-such-program-here"),
              AllOf(HasSubstr("fake: cannot be started: no-such-program-here"),
                    HasSubstr("not found"), HasSubstr("기록.log")));
  EXPECT_THAT(refusal("echo 'no model' >&2; exit 3"),
              HasSubstr("fake: failed with status 3; its last words: no model"));
  EXPECT_THAT(refusal("kill -SEGV $$"), HasSubstr("fake: failed with status 139"));
  EXPECT_THAT(refusal("true"), HasSubstr("ended without an answer for v/1, 2 of 2 are missing"));
  EXPECT_THAT(refusal(R"(printf 'v/1\tx\n')"),
              HasSubstr("ended without an answer for v/2, 1 of 2 are missing"));
  EXPECT_THAT(refusal(R"(printf 'v/1\tx\nv/1\ty\n')"), HasSubstr("answered twice for v/1"));
  EXPECT_THAT(refusal(R"(printf 'v/9\tx\n')"), HasSubstr("answered for v/9, which was not asked"));
  EXPECT_THAT(refusal("echo loading the model"),
              HasSubstr("wrote a line without a tab: loading the model"));
  EXPECT_THAT(refusal(R"(printf 'v/1\t\377\n')"), HasSubstr("no UTF-8"));
  EXPECT_THAT(refusal("tr '\\0' x </dev/zero"), HasSubstr("a line of more than 262144 bytes"));
  // An answer to what is known already was not asked for either.
  requests[0].wav.clear();
  EXPECT_THAT(refusal(R"(printf 'v/1\tx\n')"), HasSubstr("answered for v/1, which was not asked"));
}

TEST_F(ProgramTest, AHangingOneIsEnded) {
  const auto start = std::chrono::steady_clock::now();
  try {
    ask({"slow", R"(echo waiting >&2; printf 'v/1\tx\n'; sleep 60 & wait)"}, requests,
        {.idle_s = 1, .log = dir / "log"}, [](size_t, std::string) {});
    ADD_FAILURE() << "was waited for";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("slow: gave no answer for 1 s and was ended; its last words: waiting"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace koi::eval
