// Generation equals the reference's (fish-speech v1.4.3, torch 2.15, one CPU thread, fp32; how the
// numbers were made: lm/README.md, lm/generate/README.md), token for token. All cases are
// unconstrained, as the reference is.
#include <gmock/gmock.h>

#include <filesystem>

#include "koi/speech/generate.h"
#include "koi/speech/steps.h"
#include "koi/tensor/bridge.h"
#include "koi/tensor/device.h"
#include "tests/support/goldens.h"
#include "tests/support/test_device.h"

namespace koi::speech {
namespace {

using testing::ElementsAreArray;

constexpr double kLogits = 1e-4;     // fp32: the reference lies within 6e-6 of a float64 run
constexpr double kBf16Logits = 0.3;  // bf16: a last bit of the residual stream, through all layers
constexpr const char* kFacts = "lm/generate/generate.json";

std::string file_of(const std::string& name) { return "lm/generate/" + name + ".npy"; }

TokenColumns read_columns(const std::string& name) {
  const StoredCodes file = read_stored_codes(test::golden(file_of(name)));
  TokenColumns result{file.codes.codebooks, {}, file.wide};
  for (int64_t t = 0; t < file.codes.frames; ++t) {
    for (int64_t row = 0; row < result.rows; ++row) result.values.push_back(file.codes.at(row, t));
  }
  return result;
}

at::Tensor read_floats(const std::string& name) {
  return tensor::to_tensor(checkpoint::read_npy(test::golden(file_of(name)))).clone();
}

GenerateOptions options_of(const nlohmann::json& c) {
  GenerateOptions options;
  options.sampling = {.temperature = c.at("temperature"),
                      .top_p = c.at("top_p"),
                      .repetition_penalty = c.at("repetition_penalty")};
  options.max_new_tokens = c.at("max_new_tokens");
  options.constrained = false;
  return options;
}

Noise make_noise(const nlohmann::json& c) {
  // Equal because the wheels are of the reference's torch version; another build draws otherwise.
  if (!c.at("torch_seed").is_null()) return torch_noise(c.at("torch_seed"));
  if (!c.at("mt19937_seed").is_null()) return portable_noise(c.at("mt19937_seed"));
  return portable_noise(0);  // greedy: the noise decides nothing
}

// Null where there is no case of this name.
const nlohmann::json* find_case(const nlohmann::json& facts, const std::string& name) {
  for (const nlohmann::json& c : facts.at("cases")) {
    if (c.at("name") == name) return &c;
  }
  return nullptr;
}

const nlohmann::json& case_of(const nlohmann::json& facts, const std::string& name) {
  const nlohmann::json* found = find_case(facts, name);
  return found != nullptr ? *found : throw std::runtime_error("no case " + name);
}

class GenerateParity : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_model()) return;
    KOI_REQUIRE_GOLDEN(kFacts);
    tensor::set_threads(1);
    facts_ = test::read_json(test::golden(kFacts));
    speech_.emplace(load_speech_model(test::golden("lm/tiny"), {.device = test::test_device()}));
  }

  // Logits of the first frames while the golden's own tokens are fed.
  struct Logits {
    at::Tensor slow, fast;  // [frames, V], [frames, K, C]
  };
  struct Forced {
    TokenColumns tokens;
    int64_t prompt_columns, frames;
  };
  static Logits forced_logits(const SpeechModel& speech, const Forced& forced) {
    const auto& [tokens, prompt_columns, frames] = forced;
    constexpr std::array<size_t, 1> kOne{0};
    const std::unique_ptr<Steps> steps = make_steps(speech, 1);
    std::vector<at::Tensor> slow, fast;
    for (int64_t step = 0; step < frames; ++step) {
      const int64_t from = step == 0 ? 0 : prompt_columns + step - 1, to = prompt_columns + step;
      TokenColumns columns{tokens.rows, {}, tokens.wide};
      columns.values.assign(tokens.values.begin() + from * tokens.rows,
                            tokens.values.begin() + to * tokens.rows);
      steps->append(0, columns);
      slow.push_back(at::tensor(steps->token_logits(kOne, {})));
      for (size_t k = 0; k + 1 < static_cast<size_t>(tokens.rows); ++k) {
        fast.push_back(
            at::tensor(k == 0 ? steps->first_code_logits(kOne)
                              : steps->next_code_logits(kOne, tokens.column(to).subspan(k, 1))));
      }
    }
    return {at::stack(slow), at::stack(fast).view({frames, tokens.rows - 1, -1})};
  }

  // By tensors, drawn by the host and on the device, then by each set of kernels for a CPU.
  std::vector<SpeechModel> every_way() const {
    std::vector<SpeechModel> ways{*speech_, *speech_};
    ways[0].drawing = Drawing::by_host;
    ways[1].drawing = Drawing::on_device;
    if (!speech_->model.device().is_cpu()) return ways;
    for (const kernels::Instructions instructions : kernels::usable_instructions()) {
      ways.push_back(*speech_);
      ways.back().cpu = std::make_shared<lm::CpuWeights>(lm::cpu_weights(speech_->model, {}, 2));
      ways.back().instructions = instructions;
    }
    return ways;
  }
  static std::string name_of(const SpeechModel& way) {
    if (way.cpu) return std::string(kernels::name_of(way.instructions));
    return way.drawing == Drawing::by_host ? "tensors" : "tensors, drawn on the device";
  }

  nlohmann::json facts_;
  std::optional<SpeechModel> speech_;
};

void expect_near(const at::Tensor& found, const at::Tensor& expected, double tolerance) {
  ASSERT_EQ(found.sizes(), expected.sizes());
  EXPECT_LE((found - expected).abs().max().item<double>(), tolerance);
}

TEST_F(GenerateParity, Tokens) {
  if (!speech_) return;
  for (const nlohmann::json& c : facts_.at("cases")) {
    const std::string name = c.at("name");
    const std::string prompt_name = "prompt_" + c.at("prompt").get<std::string>();
    if (!test::have_golden(file_of(name)) || !test::have_golden(file_of(prompt_name))) continue;
    SCOPED_TRACE(name);
    const TokenColumns prompt = read_columns(prompt_name), expected = read_columns(name);
    EXPECT_EQ(expected.columns(), c.at("total_len").get<int64_t>());
    for (const SpeechModel& way : every_way()) {
      SCOPED_TRACE(name_of(way));
      TokenColumns found = prompt;
      found.append(generate(way, prompt, options_of(c), make_noise(c)));
      EXPECT_EQ(found.wide, expected.wide);
      EXPECT_THAT(found.values, ElementsAreArray(expected.values));
    }
  }
}

TEST_F(GenerateParity, Logits) {
  if (!speech_) return;
  for (const auto& file :
       test::find_goldens("lm/generate", R"((.+)_(slow|fast)_logits_(\d+)steps\.npy)")) {
    const nlohmann::json* c = find_case(facts_, file.groups.at(0));
    if (c == nullptr && file.name.starts_with("bf16_")) continue;  // see Bf16Logits
    SCOPED_TRACE(file.name);
    ASSERT_NE(c, nullptr);
    if (!test::have_golden(file_of(file.groups.at(0)))) continue;
    for (const SpeechModel& way : every_way()) {
      SCOPED_TRACE(name_of(way));
      const Logits found = forced_logits(way, {read_columns(file.groups.at(0)), c->at("prompt_len"),
                                               std::stoll(file.groups.at(2))});
      expect_near(file.groups.at(1) == "slow" ? found.slow : found.fast,
                  read_floats(std::filesystem::path(file.name).stem()), kLogits);
    }
  }
}

TEST_F(GenerateParity, Bf16Logits) {
  if (!speech_) return;
  const SpeechModel bf16 = load_speech_model(
      test::golden("lm/tiny"), {.dtype = at::kBFloat16, .device = test::test_device()});
  for (const auto& file : test::find_goldens("lm/generate", R"(bf16_(.+)\.npy)")) {
    const nlohmann::json* c = find_case(facts_, file.groups.at(0));
    if (c == nullptr) continue;  // the logits
    const auto logits_of = [&](int64_t frames) {
      return forced_logits(
          bf16, {read_columns("bf16_" + file.groups.at(0)), c->at("prompt_len"), frames});
    };
    for (const auto& slow :
         test::find_goldens("lm/generate", R"(bf16_.+_slow_logits_(\d+)steps\.npy)")) {
      expect_near(logits_of(std::stoll(slow.groups.at(0))).slow,
                  read_floats(std::filesystem::path(slow.name).stem()), kBf16Logits);
    }
    for (const auto& fast :
         test::find_goldens("lm/generate", R"(bf16_.+_fast_logits_first_step_stride(\d+)\.npy)")) {
      expect_near(logits_of(1).fast[0].slice(1, 0, c10::nullopt, std::stoll(fast.groups.at(0))),
                  read_floats(std::filesystem::path(fast.name).stem()), kBf16Logits);
    }
  }
}

TEST_F(GenerateParity, LengthLimits) {
  if (!speech_) return;
  for (const auto& part : test::find_parts(facts_, "length_limits_(.+)")) {
    const nlohmann::json& c = case_of(facts_, part.groups.at(0));
    const std::string prompt_name = "prompt_" + c.at("prompt").get<std::string>();
    if (!test::have_golden(file_of(prompt_name))) continue;
    const TokenColumns prompt = read_columns(prompt_name);
    for (const nlohmann::json& limit : facts_[part.name]) {
      GenerateOptions options = options_of(c);
      options.max_new_tokens = limit.at("max_new_tokens");
      SCOPED_TRACE(options.max_new_tokens);
      const TokenColumns found = generate(*speech_, prompt, options, portable_noise(0));
      if (limit.contains("error")) {  // the reference fails on 1 only
        EXPECT_EQ(found.columns(), options.max_new_tokens);
        continue;
      }
      EXPECT_EQ(prompt.columns() + found.columns(), limit.at("total_len").get<int64_t>());
      EXPECT_EQ(found.column(found.columns() - 1)[0], limit.at("last_main").get<int32_t>());
    }
  }
}

// What the penalty sees of a recorded generation: "windows" are facts_["windows_" + name].
void expect_windows(const TokenColumns& tokens, int64_t first_decoded,
                    const nlohmann::json& windows) {
  size_t compared = 0;
  CodeWindow window(tokens.rows - 1);
  for (int64_t i = 0; first_decoded + i < tokens.columns(); ++i) {
    for (const nlohmann::json& expected : windows) {
      if (expected.at("decode_iteration") != i) continue;
      EXPECT_THAT(window.codebook(expected.at("codebook")),
                  ElementsAreArray(expected.at("window").get<std::vector<int64_t>>()));
      ++compared;
    }
    window.push(tokens.column(first_decoded + i).subspan(1));
  }
  EXPECT_EQ(compared, windows.size());
}

TEST_F(GenerateParity, PenaltyWindows) {
  if (!speech_) return;
  for (const auto& part : test::find_parts(facts_, "windows_(.+)")) {
    const std::string& name = part.groups.at(0);
    if (!test::have_golden(file_of(name))) continue;
    const int64_t prompt_columns = case_of(facts_, name).at("prompt_len");
    expect_windows(read_columns(name), prompt_columns + 1, facts_[part.name]);
  }
}

}  // namespace
}  // namespace koi::speech
