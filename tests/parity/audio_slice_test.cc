// Slicing against fish-audio-preprocess 0.2.8, slice-audio-v2 (goldens/data/slice): all numbers are
// exact, comparisons with the threshold are of float32.
#include <map>
#include <set>

#include "koi/audio/audio_file.h"
#include "koi/audio/slice_folder.h"
#include "koi/base/bytes.h"
#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

using nlohmann::json;
using test::golden;

const Audio<float>& clip() {
  static const auto audio = read_audio<float>(golden("data/slice/clip.flac"));
  return audio;
}

// The options of a recorded case; what it does not name has the reference's default.
SliceOptions options_of(const json& params) {
  SliceOptions options;
  options.rules = MergeRules::reference;
  for (const auto& [name, value] : params.items()) {
    if (name == "min_duration")
      options.min_duration_s = value;
    else if (name == "max_duration")
      options.max_duration_s = value;
    else if (name == "min_silence_duration")
      options.min_silence_s = value;
    else if (name == "top_db")
      options.top_db = value;
    else if (name == "hop_length")
      options.hop_s = value.get<double>() / 1000;
    else if (name == "max_silence_kept")
      options.max_silence_s = value;
    else if (name == "merge_short")
      options.merge_short = value;
    else
      ADD_FAILURE() << "unknown parameter " << name;
  }
  return options;
}

// "int16_sha256_16" of slices.json.
std::string hash_of(const Piece& piece) {
  std::string bytes;
  for (const Span& span : piece) {
    for (int64_t t = span.begin; t < span.end; ++t)
      base::append_bytes<int16_t>(bytes, to_pcm16(clip().samples[static_cast<size_t>(t)]));
  }
  return base::sha256_hex(bytes).substr(0, 16);
}

TEST(AudioSliceParity, EveryCaseIsCutAsTheReferenceCutIt) {
  KOI_REQUIRE_GOLDEN("data/slice/slices.json");
  const json cases = test::read_json(golden("data/slice/slices.json"));
  ASSERT_EQ(clip().sample_rate_hz, cases.at("clip").at("rate"));
  ASSERT_EQ(clip().frames(), cases.at("clip").at("frames"));
  for (const auto& part : test::find_parts(cases, R"(v2_\d+)")) {
    const json& recorded = cases.at(part.name);
    const SliceOptions options = options_of(recorded.at("params"));
    if (recorded.contains("error")) {
      EXPECT_THROW(plan_pieces(clip().samples, clip().sample_rate_hz, options), Error) << part.name;
      continue;
    }
    const auto pieces = plan_pieces(clip().samples, clip().sample_rate_hz, options);
    std::vector<int64_t> lengths, starts;
    std::vector<std::string> hashes;
    for (const Piece& piece : pieces) {
      lengths.push_back(length_of(piece));
      starts.push_back(piece.front().begin);
      hashes.push_back(hash_of(piece));
    }
    EXPECT_EQ(json(lengths), recorded.at("lengths")) << part.name;
    EXPECT_EQ(json(hashes), recorded.at("int16_sha256_16")) << part.name;
    if (recorded.contains("starts")) {
      EXPECT_EQ(json(starts), recorded.at("starts")) << part.name;
    }
  }
}

TEST(AudioSliceParity, TheSlicerCutsWhereTheReferencesDoes) {
  KOI_REQUIRE_GOLDEN("data/slice/slices.json");
  const json cases = test::read_json(golden("data/slice/slices.json"));
  size_t compared = 0;
  for (const auto& part : test::find_parts(cases, R"(v2_\d+)")) {
    const json& recorded = cases.at(part.name);
    if (!recorded.contains("slicer_cuts")) continue;
    ++compared;
    const SliceOptions options = options_of(recorded.at("params"));
    const SliceFrames frames = slice_frames(options, clip().sample_rate_hz);
    const json& theirs = recorded.at("slicer_frames");
    EXPECT_EQ(frames.hop, theirs.at("hop_size")) << part.name;
    EXPECT_EQ(frames.window, theirs.at("win_size")) << part.name;
    EXPECT_EQ(frames.min_length, theirs.at("min_length")) << part.name;
    EXPECT_EQ(frames.min_silence, theirs.at("min_interval")) << part.name;
    EXPECT_EQ(frames.max_silence, theirs.at("max_sil_kept")) << part.name;
    json spans = json::array();
    for (const Span& span : cut_at_silences(clip().samples, clip().sample_rate_hz, options))
      spans.push_back({span.begin, span.end});
    EXPECT_EQ(spans, recorded.at("slicer_cuts")) << part.name;
  }
  EXPECT_GT(compared, 0U);
}

TEST(AudioSliceParity, FramesAreAsLoudAsTheReferences) {
  for (const auto& part : test::find_goldens("data/slice", R"(rms_hop(\d+)_win(\d+)\.npy)")) {
    const auto rms =
        frame_rms(clip().samples, std::stoll(part.groups.at(0)), std::stoll(part.groups.at(1)));
    const auto recorded =
        checkpoint::to_doubles(checkpoint::read_npy(golden("data/slice/" + part.name)));
    ASSERT_EQ(rms.size(), recorded.size());
    for (size_t i = 0; i < rms.size(); ++i) {
      // The reference sums in float32, here it is float64: 1e-6 is some roundings.
      EXPECT_NEAR(rms[i], recorded[i], 1e-6 * recorded[i]) << i;
    }
  }
}

// With its fault repaired no merged piece is longer than asked for, and nothing else changes.
TEST(AudioSliceParity, RepairedMergesKeepTheMaximum) {
  KOI_REQUIRE_GOLDEN("data/slice/slices.json");
  const json cases = test::read_json(golden("data/slice/slices.json"));
  size_t repaired = 0;
  for (const auto& part : test::find_parts(cases, R"(v2_\d+)")) {
    const json& recorded = cases.at(part.name);
    if (recorded.contains("error")) continue;
    SliceOptions options = options_of(recorded.at("params"));
    options.rules = MergeRules::repaired;
    std::vector<int64_t> lengths;
    for (const Piece& piece : plan_pieces(clip().samples, clip().sample_rate_hz, options))
      lengths.push_back(length_of(piece));
    for (const int64_t length : lengths)
      EXPECT_LE(static_cast<double>(length), options.max_duration_s * clip().sample_rate_hz);
    if (!options.merge_short) {
      EXPECT_EQ(json(lengths), recorded.at("lengths")) << part.name;
    }
    repaired += json(lengths) != recorded.at("lengths") ? 1 : 0;
  }
  EXPECT_GT(repaired, 0U);
}

// The recorded command lines on a tree of three recordings: the clip, its first 9 s, and 2 s that
// are not cut.
TEST(AudioSliceParity, TheFolderBecomesTheReferencesFolder) {
  KOI_REQUIRE_GOLDEN("data/slice/cli.json");
  const json runs = test::read_json(golden("data/slice/cli.json"));
  const test::TempDir dir;
  const int rate_hz = clip().sample_rate_hz;
  const auto write = [&](const std::string& name, std::span<const float> samples) {
    base::make_folder((dir / name).parent_path());
    write_wav_pcm16(dir / name, samples, rate_hz);
  };
  const std::span<const float> all(clip().samples);
  write("in/spk/clip one.wav", all);
  write("in/spk.b/c.v2.wav", all.subspan(0, 144000));
  write("in/spk/short.wav", all.subspan(30000, 32000));
  for (const auto& [name, slice] : std::map<std::string, SliceOptions>{
           {"v2_default", {}},
           {"v2_flat", {.min_duration_s = 2, .max_duration_s = 5}},
           {"v2_merge_short", {.min_duration_s = 1, .max_duration_s = 6, .merge_short = true}}}) {
    SliceFolderOptions options{.slice = slice, .flat = name == "v2_flat"};
    options.slice.rules = MergeRules::reference;
    slice_folder(dir / "in", dir / name, options);
    std::set<json> ours;
    const auto any = [](const std::filesystem::path&) { return true; };
    for (const auto& path : base::list_files(dir / name, any)) {
      const AudioInfo info = probe_audio(path);
      const bool pcm16 = info.format == reference_format(info.format);
      ours.insert(json::array({path.lexically_relative(dir / name).string(), info.frames,
                               info.sample_rate_hz, info.channels, pcm16 ? "PCM_16" : "other"}));
    }
    EXPECT_EQ(json(ours), json(std::set<json>(runs.at(name).at("files").begin(),
                                              runs.at(name).at("files").end())))
        << name;
  }
}

}  // namespace
}  // namespace koi::audio
