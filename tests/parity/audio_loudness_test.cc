// Loudness against fish-audio-preprocess 0.2.8 (pyloudnorm 0.2.0, libsndfile 1.2.2) and against the
// answers that ITU-R BS.1770-4 and EBU Tech 3341 give (goldens/data/loudness).
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "koi/audio/normalize_folder.h"
#include "koi/audio/pyloudnorm_meter.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::golden;

constexpr MeterOptions kReferenceMeter{.meter = Meter::pyloudnorm};

json read_part(const std::string& name) {
  return test::read_json(golden("data/loudness/" + name + ".json"));
}

// "synthesis" of test_signals.json.
Audio<double> synthesize(const json& signal) {
  Audio<double> audio{0, signal.at("rate"), {}};
  const double frequency = signal.at("freq");
  for (const json& segment : signal.at("segments")) {
    const json& levels = segment.at("dbfs");
    audio.channels = static_cast<int>(levels.size());
    const auto frames = std::llround(segment.at("seconds").get<double>() * audio.sample_rate_hz);
    for (int64_t k = 0; k < frames; ++k) {
      const double sine = std::sin(2 * std::numbers::pi * frequency * static_cast<double>(k) /
                                   audio.sample_rate_hz);
      for (const json& level : levels) {
        audio.samples.push_back(level.is_null() ? 0.0
                                                : std::pow(10, level.get<double>() / 20) * sine);
      }
    }
  }
  return audio;
}

TEST(AudioLoudnessParity, TheStandardsSignalsReadWhatTheStandardSays) {
  KOI_REQUIRE_GOLDEN("data/loudness/test_signals.json");
  const json signals = read_part("test_signals");
  for (const json& signal : signals.at("cases")) {
    const json& expected =
        signal.at("expected").is_null() ? signal.at("standard_meter") : signal.at("expected");
    // The tolerance is the standard's own (0.1 LU), where the golden names no other.
    EXPECT_NEAR(integrated_loudness(synthesize(signal), {}), expected.get<double>(),
                signal.at("tolerance").get<double>())
        << signal.at("name");
  }
}

TEST(AudioLoudnessParity, TheReferencesMeterReadsWhatTheReferenceRead) {
  KOI_REQUIRE_GOLDEN("data/loudness/test_signals.json");
  const json signals = read_part("test_signals");
  for (const json& signal : signals.at("cases")) {
    // Float64 throughout; the sine's last digits differ between libraries.
    EXPECT_NEAR(integrated_loudness(synthesize(signal), kReferenceMeter),
                signal.at("pyloudnorm").get<double>(), 1e-6)
        << signal.at("name");
  }
}

TEST(AudioLoudnessParity, FiltersAreTheReferences) {
  KOI_REQUIRE_GOLDEN("data/loudness/filters.json");
  const json all = read_part("filters");
  const auto expect_filter = [](const Biquad& ours, const json& theirs, const std::string& what) {
    constexpr double kTolerance = 1e-12;  // float64 formulas, a few roundings apart
    EXPECT_NEAR(ours.b0, theirs.at("b")[0].get<double>(), kTolerance) << what;
    EXPECT_NEAR(ours.b1, theirs.at("b")[1].get<double>(), kTolerance) << what;
    EXPECT_NEAR(ours.b2, theirs.at("b")[2].get<double>(), kTolerance) << what;
    EXPECT_NEAR(ours.a1, theirs.at("a")[1].get<double>(), kTolerance) << what;
    EXPECT_NEAR(ours.a2, theirs.at("a")[2].get<double>(), kTolerance) << what;
  };
  for (const auto& [rate, filters] : all.items()) {
    const json& theirs = filters.at("pyloudnorm");
    expect_filter(pyloudnorm_high_shelf(std::stoi(rate)), theirs.at("high_shelf"), rate);
    expect_filter(pyloudnorm_high_pass(std::stoi(rate)), theirs.at("high_pass"), rate);
  }
}

TEST(AudioLoudnessParity, EveryBlockIsTheReferences) {
  KOI_REQUIRE_GOLDEN("data/loudness/blocks_two_levels.json");
  const json golden_blocks = read_part("blocks_two_levels");
  const auto audio =
      read_audio<double>(golden("data/loudness/" + golden_blocks.at("file").get<std::string>()));
  const auto blocks = pyloudnorm_blocks(audio, kReferenceMeter.block_s);
  const json& rows = golden_blocks.at("blocks");
  ASSERT_EQ(blocks.size(), rows.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i].first_frame, rows[i][0]);
    EXPECT_EQ(std::min(blocks[i].end_frame, audio.frames()), rows[i][1]);
    EXPECT_NEAR(block_loudness(blocks[i]), rows[i][2].get<double>(), 1e-6) << i;
  }
  EXPECT_NEAR(pyloudnorm_loudness(audio, kReferenceMeter.block_s),
              golden_blocks.at("integrated").get<double>(), 1e-6);
}

TEST(AudioLoudnessParity, RecordingsReadWhatBothMetersRead) {
  KOI_REQUIRE_GOLDEN("data/loudness/run.json");
  const json run = read_part("run");
  for (const auto& [name, file] : run.at("files").items()) {
    if (!file.contains("in")) continue;
    const json& facts = file.at("in");
    const fs::path path = golden("data/loudness/data-raw/" + name);
    const AudioInfo info = probe_audio(path);
    const auto audio = read_audio<double>(path);
    EXPECT_EQ(info.channels, facts.at("channels")) << name;
    EXPECT_EQ(info.sample_rate_hz, facts.at("rate")) << name;
    EXPECT_EQ(info.frames, facts.at("frames")) << name;
    EXPECT_EQ(audio.frames(), facts.at("decoded_frames")) << name;
    // Float64 from equal samples; MP3 and Vorbis decoders differ by 1e-6 in a sample.
    const bool lossless =
        facts.at("subtype").get<std::string>().starts_with("PCM") || facts.at("subtype") == "FLOAT";
    EXPECT_NEAR(integrated_loudness(audio, kReferenceMeter), facts.at("lufs").get<double>(),
                lossless ? 1e-6 : 1e-4)
        << name;
    // The golden is an own meter after BS.1770-4, whose 0.1 LU is the standard's tolerance.
    EXPECT_NEAR(integrated_loudness(audio, {}), facts.at("lufs_standard").get<double>(), 0.1)
        << name;
  }
}

// Compares a file that was written with the reference's.
void expect_same_sound(const fs::path& ours, const fs::path& theirs, const json& facts) {
  const AudioInfo info = probe_audio(ours);
  EXPECT_EQ(info.format, probe_audio(theirs).format) << ours;
  const auto a = read_audio<double>(ours);
  const auto b = read_audio<double>(theirs);
  ASSERT_EQ(a.frames(), b.frames()) << ours;
  ASSERT_EQ(a.channels, b.channels) << ours;
  if (!facts.contains("max_diff_floor_rule")) {
    // Lossy: encoders differ between versions of LAME and libvorbis.
    EXPECT_NEAR(integrated_loudness(a, kReferenceMeter), facts.at("lufs").get<double>(), 0.1)
        << ours;
    const auto [low, high] = std::minmax_element(a.samples.begin(), a.samples.end());
    EXPECT_NEAR(std::max(-*low, *high), facts.at("peak").get<double>(), 0.02) << ours;
    return;
  }
  // The gain is the reference's to 1e-15 and the float to integer rule is the same: equal.
  size_t differ = 0;
  for (size_t i = 0; i < a.samples.size(); ++i) differ += a.samples[i] != b.samples[i] ? 1 : 0;
  EXPECT_EQ(differ, 0U) << ours;
}

TEST(AudioLoudnessParity, TheFolderBecomesTheReferencesFolder) {
  KOI_REQUIRE_GOLDEN("data/loudness/run.json");
  const json files = read_part("run").at("files");
  const test::TempDir dir;
  NormalizeOptions options;
  options.loudness.meter = kReferenceMeter;
  options.folder.clean = true;
  std::map<std::string, NormalizedFile> results;
  const NormalizeReport report = normalize_folder(
      golden("data/loudness/data-raw"), dir / "data", options,
      [&](const NormalizedFile& result) { results[result.file.path.string()] = result; });
  size_t recordings = 0, side_files = 0;
  for (const auto& [name, file] : files.items()) {
    // Ours takes upper-case extensions and transcripts too.
    EXPECT_TRUE(fs::exists(dir.path() / "data" / name)) << name;
    ++(file.contains("in") ? recordings : side_files);
    if (!file.at("output_exists").get<bool>()) continue;
    expect_same_sound(dir.path() / "data" / name, golden("data/loudness/data/" + name),
                      file.at("out"));
    const json& steps = file.at("steps");
    const LoudnessChange& change = results.at(name).change;
    const double gain_db = 20 * std::log10(steps.at("gain_to_peak").get<double>() *
                                           steps.at("gain_to_loudness").get<double>());
    EXPECT_NEAR(change.gain_db, gain_db, 1e-4) << name;
    EXPECT_EQ(change.full_scale_samples, steps.at("samples_at_or_over_full_scale")) << name;
    EXPECT_EQ(results.at(name).clipped, change.full_scale_samples > 0) << name;
  }
  EXPECT_EQ(report.folder.done, recordings);
  EXPECT_EQ(report.folder.side_files, side_files);
  EXPECT_EQ(report.folder.failed + report.folder.unchanged + report.folder.left_out +
                report.folder.skipped,
            0U);
}

TEST(AudioLoudnessParity, TheStandardsMeterBringsEveryFileToTheTarget) {
  KOI_REQUIRE_GOLDEN("data/loudness/run.json");
  const test::TempDir dir;
  const NormalizeOptions options;
  std::vector<NormalizedFile> results;
  normalize_folder(golden("data/loudness/data-raw"), dir.path(), options,
                   [&](const NormalizedFile& result) { results.push_back(result); });
  ASSERT_FALSE(results.empty());
  for (const NormalizedFile& result : results) {
    const fs::path before = golden("data/loudness/data-raw") / result.file.path;
    ASSERT_EQ(result.file.outcome, FileOutcome::done) << result.file.message;
    EXPECT_EQ(probe_audio(dir.path() / result.file.path).format, probe_audio(before).format);
    if (result.clipped) continue;  // what was cut off is missing from the loudness
    // Lossy coding and 16 bits move it a little: the standard's tolerance.
    EXPECT_NEAR(integrated_loudness(read_audio<double>(dir.path() / result.file.path), {}),
                options.loudness.loudness_lufs, 0.1)
        << result.file.path;
  }
}

TEST(AudioLoudnessParity, IntegersAreRoundedAsTheReferenceRounds) {
  KOI_REQUIRE_GOLDEN("data/loudness/pcm16_write.json");
  const json rule = read_part("pcm16_write");
  const std::map<std::string, int> formats{{"WAV", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                                           {"AIFF", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
                                           {"FLAC", SF_FORMAT_FLAC | SF_FORMAT_PCM_16}};
  Audio<double> audio{1, 16000, {}};
  for (const double value : rule.at("values_times_32768").get<std::vector<double>>())
    audio.samples.push_back(value / 32768);
  const test::TempDir dir;
  for (const auto& [container, format] : formats) {
    write_audio(dir / "x", audio, format);
    const auto expected = rule.at(container).get<std::vector<int>>();
    const auto written = read_audio<double>(dir / "x");
    ASSERT_EQ(written.samples.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(written.samples[i] * 32768, expected[i])
          << container << " " << audio.samples[i] * 32768;
    }
  }
}

}  // namespace
}  // namespace koi::audio
