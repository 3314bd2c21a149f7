// The log-mel spectrogram against fish-speech v1.4.3 (goldens/codec: torch 2.15.0, one thread).
#include <regex>

#include "koi/audio/mel.h"
#include "koi/base/error.h"
#include "koi/base/files.h"
#include "koi/checkpoint/npy.h"
#include "koi/tensor/bridge.h"
#include "tests/support/goldens.h"

namespace koi::audio {
namespace {

namespace fs = std::filesystem;
using test::golden;

at::Tensor read_tensor(const fs::path& path) {
  return tensor::to_tensor(checkpoint::read_npy(path)).clone();
}

// The sizes in the golden model's configuration.
MelOptions golden_options() {
  const std::string name = test::find_goldens("codec/tiny", R"(.+\.yaml)").at(0).name;
  const std::string yaml = base::read_file(golden("codec/tiny/" + name));
  const auto number = [&yaml](const std::string& key) -> int64_t {
    std::smatch match;
    if (!std::regex_search(yaml, match, std::regex("\n  " + key + ": ([0-9]+)"))) {
      ADD_FAILURE() << "no " << key << " in the configuration";
      return 1;
    }
    return std::stoll(match[1]);
  };
  return {.sample_rate_hz = number("sample_rate"),
          .n_fft = number("n_fft"),
          .win_length = number("win_length"),
          .hop_length = number("hop_length"),
          .n_mels = number("n_mels")};
}

void expect_mel_near(const at::Tensor& ours, const at::Tensor& reference, const std::string& what) {
  ASSERT_EQ(ours.sizes(), reference.sizes()) << what;
  const at::Tensor difference = (ours - reference).abs();
  // A float64 recomputation is within 1e-4 (mean 2e-6) of the reference: near the floor of 1e-5 the
  // logarithm magnifies the FFT's rounding.
  EXPECT_LE(difference.max().item<float>(), 5e-4F) << what;
  EXPECT_LE(difference.mean().item<float>(), 1e-5F) << what;
}

TEST(MelParity, FiltersAreTheReferences) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/tiny/mel_filterbank_facts.json");
  const auto facts = test::read_json(golden("codec/tiny/mel_filterbank_facts.json"));
  const at::Tensor filters = LogMel(golden_options()).filters();
  EXPECT_EQ(filters.sizes(), at::IntArrayRef(facts.at("shape").get<std::vector<int64_t>>()));
  EXPECT_NEAR(filters.sum(at::kDouble).item<double>(), facts.at("sum").get<double>(), 1e-5);
  EXPECT_NEAR(filters.max().item<double>(), facts.at("max").get<double>(), 5e-7);
  // At the edge of a triangle float32 and float64 disagree on what is 0.
  EXPECT_NEAR(static_cast<double>(filters.count_nonzero().item<int64_t>()),
              facts.at("nonzero").get<double>(), 2);
  KOI_REQUIRE_GOLDEN("codec/tiny/mel_filterbank_head.npy");
  const at::Tensor head = read_tensor(golden("codec/tiny/mel_filterbank_head.npy"));
  // Float64 against float32.
  EXPECT_LE((filters.narrow(0, 0, head.size(0)) - head).abs().max().item<float>(), 5e-7F);
}

TEST(MelParity, EveryRecordingGivesTheReferencesMel) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/audio");
  const LogMel mel(golden_options());
  size_t cases = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(golden("codec/audio"))) {
    if (!fs::exists(entry.path() / "wav44k.npy")) continue;
    const at::Tensor wave = read_tensor(entry.path() / "wav44k.npy");
    const at::Tensor ours = mel.forward(wave);
    EXPECT_EQ(ours.size(2), mel.frames(wave.size(1)));
    expect_mel_near(ours, read_tensor(entry.path() / "mel.npy"), entry.path().string());
    ++cases;
  }
  if (cases == 0) test::report_absent("codec/audio: a recording");
}

TEST(MelParity, AZeroPaddedBatchGivesTheReferencesMel) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/audio/batch/mel.npy");
  KOI_REQUIRE_GOLDEN("codec/audio/facts.json");
  const auto facts = test::read_json(golden("codec/audio/facts.json"));
  std::vector<at::Tensor> waves;
  int64_t longest = 0;
  for (const auto& name : facts.at("batch").at("order")) {
    waves.push_back(read_tensor(golden("codec/audio/" + name.get<std::string>() + "/wav44k.npy")));
    longest = std::max(longest, waves.back().size(1));
  }
  for (at::Tensor& wave : waves) wave = at::constant_pad_nd(wave, {0, longest - wave.size(1)});
  expect_mel_near(LogMel(golden_options()).forward(at::cat(waves)),
                  read_tensor(golden("codec/audio/batch/mel.npy")), "batch");
}

TEST(MelParity, LengthsAreTheReferences) {
  KOI_REQUIRE_GOLDEN("codec/tiny");
  KOI_REQUIRE_GOLDEN("codec/edges/wave.npy");
  KOI_REQUIRE_GOLDEN("codec/edges/lengths.json");
  const auto lengths = test::read_json(golden("codec/edges/lengths.json"));
  const at::Tensor wave = read_tensor(golden("codec/edges/wave.npy")).reshape({1, -1});
  const LogMel mel(golden_options());
  for (const auto& row : lengths.at("ok")) {
    const int64_t samples = row.at("samples");
    EXPECT_EQ(mel.frames(samples), row.at("mel_frames")) << row;
    if (samples > wave.size(1)) continue;
    EXPECT_EQ(mel.forward(wave.narrow(1, 0, samples)).size(2), row.at("mel_frames")) << row;
  }
  for (const auto& [key, error] : lengths.at("errors").items()) {
    const int64_t samples = std::stoll(key);
    EXPECT_LT(samples, mel.min_samples());
    EXPECT_THROW(mel.forward(wave.narrow(1, 0, samples)), Error) << key;
  }
}

}  // namespace
}  // namespace koi::audio
