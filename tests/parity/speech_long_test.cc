// Long texts are cut, prompted and spoken as by the reference (fish-speech v1.4.3; how the data was
// made: lm/generate/README.md, "long"), token for token, unconstrained.
#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/speech/long_text.h"
#include "koi/tensor/device.h"
#include "koi/text/split.h"
#include "tests/support/goldens.h"

namespace koi::speech {
namespace {

using testing::ElementsAreArray;

// The bytes of the int32 matrix [1 + K, T] in C order.
std::string matrix_sha256(const TokenColumns& columns) {
  std::vector<int32_t> rows;
  for (int64_t row = 0; row < columns.rows; ++row) {
    for (int64_t t = 0; t < columns.columns(); ++t) {
      rows.push_back(columns.column(t)[static_cast<size_t>(row)]);
    }
  }
  return base::sha256_hex(
      {reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(int32_t)});
}

LongOptions options_of(const nlohmann::json& spec) {
  LongOptions options;
  options.generate.sampling = {.temperature = spec.at("temp"),
                               .top_p = spec.at("top_p"),
                               .repetition_penalty = spec.at("rp")};
  options.generate.max_new_tokens = spec.at("max_new");
  options.generate.constrained = false;
  options.chunk_length = spec.at("chunk");
  options.max_length = spec.at("max_length");
  options.iterative_prompt = spec.value("iterative", true);
  options.specials = text::SpecialTokens::parse;
  return options;
}

// What the reference said, as lists in order.
struct Spoken {
  std::vector<TokenColumns> prompts;
  std::vector<Segment> segments;
  bool failed = false;
};

Spoken speak(const SpeechModel& speech, const nlohmann::json& spec,
             const std::vector<Reference>& references) {
  Spoken spoken;
  LongOptions options = options_of(spec);
  options.on_prompt = [&](const TokenColumns& prompt) { spoken.prompts.push_back(prompt); };
  options.on_segment = [&](const Segment& segment) { spoken.segments.push_back(segment); };
  Speaker speaker(speech, {portable_noise(spec.at("mt"))});
  try {
    for (int sample = 0; sample < spec.value("num_samples", 1); ++sample) {
      generate_long(speaker, spec.at("text").get<std::string>(), references, options);
    }
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("negative code"));
    spoken.failed = true;
  }
  return spoken;
}

void expect_segments(const std::vector<Segment>& found, const nlohmann::json& responses) {
  size_t at = 0;
  for (const nlohmann::json& response : responses) {
    if (response.at("action") != "sample") continue;
    ASSERT_LT(at, found.size());
    const Segment& segment = found[at++];
    SCOPED_TRACE("segment " + std::to_string(at));
    EXPECT_EQ(segment.text, response.at("text").get<std::string>());
    EXPECT_EQ(segment.codes.wide, response.at("dtype") == "torch.int64");
    std::vector<int32_t> expected;
    for (const nlohmann::json& row : response.at("codes")) {
      for (const nlohmann::json& code : row) expected.push_back(code);
    }
    EXPECT_EQ(segment.codes.codes.codebooks, std::ssize(response.at("codes")));
    EXPECT_THAT(segment.codes.codes.values, ElementsAreArray(expected));
  }
  EXPECT_EQ(at, found.size());
}

// The recorded voice: its text is the first of the one pair of texts.
std::vector<Reference> references_of(const nlohmann::json& facts) {
  for (const nlohmann::json& text : facts.at("texts")) {
    if (!text.is_array()) continue;
    return {{text.at(0), read_stored_codes(test::golden("lm/generate/reference_codes.npy"))}};
  }
  throw std::runtime_error("no text with a reference");
}

TEST(LongTextParity, SegmentsPromptsAndCodes) {
  if (!test::have_model()) return;
  KOI_REQUIRE_GOLDEN("lm/generate/generate.json");
  tensor::set_threads(1);
  const nlohmann::json facts = test::read_json(test::golden("lm/generate/generate.json"));
  const SpeechModel speech = load_speech_model(test::golden("lm/tiny"), {});
  if (!test::has_part(facts, "long")) return;
  if (facts["long"].empty()) test::report_absent("a long text");
  for (size_t i = 0; i < facts.at("long").size(); ++i) {
    SCOPED_TRACE("long " + std::to_string(i));
    const nlohmann::json& golden = facts.at("long").at(i);
    const nlohmann::json& spec = golden.at("spec");
    if (spec.value("iterative", true)) {
      EXPECT_THAT(text::split_text(spec.at("text").get<std::string>(), spec.at("chunk")),
                  ElementsAreArray(golden.at("segments").get<std::vector<std::string>>()));
    }
    const bool prompted = spec.value("prompted", false);
    const Spoken spoken =
        speak(speech, spec, prompted ? references_of(facts) : std::vector<Reference>());
    const nlohmann::json& calls = golden.at("generate_calls");
    ASSERT_EQ(spoken.prompts.size(), calls.size());
    for (size_t call = 0; call < calls.size(); ++call) {
      EXPECT_EQ(spoken.prompts[call].columns(), calls.at(call).at("prompt_len").get<int64_t>());
      EXPECT_EQ(matrix_sha256(spoken.prompts[call]),
                calls.at(call).at("prompt_sha256_int32").get<std::string>());
    }
    EXPECT_EQ(spoken.failed, !golden.at("assertion").is_null());
    expect_segments(spoken.segments, golden.at("responses"));
  }
}

}  // namespace
}  // namespace koi::speech
