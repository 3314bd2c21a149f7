#include "koi/codec_train/recording_store.h"

#include <nlohmann/json.hpp>

#include "koi/audio/bandwidth.h"
#include "koi/audio/resample.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/leftovers.h"

namespace koi::codec_train {
namespace {

using nlohmann::json;

base::fs::path index_path(const base::fs::path& store) { return store / "index.json"; }

void write_index(const base::fs::path& store, const StoreIndex& index) {
  json rows = json::array();
  for (const StoredRecording& recording : index.recordings)
    rows.push_back({recording.name, recording.offset, recording.samples});
  const json root = {{"key", index.key},
                     {"band_hz", index.band_hz},
                     {"recordings", rows},
                     {"left_out", index.left_out}};
  // Names of files need not be UTF-8.
  base::write_file(index_path(store), root.dump(-1, ' ', false, json::error_handler_t::replace));
}

void append(base::AtomicFile& file, const std::vector<float>& wave) {
  std::string bytes(2 * wave.size(), '\0');
  for (size_t i = 0; i < wave.size(); ++i) {
    const auto value = static_cast<uint16_t>(audio::to_pcm16(wave[i]));
    bytes[2 * i] = static_cast<char>(value & 0xFF);
    bytes[2 * i + 1] = static_cast<char>(value >> 8);
  }
  file.write(bytes);
}

}  // namespace

base::fs::path waves_path(const base::fs::path& store) { return store / "waves.pcm"; }

std::optional<StoreIndex> read_index(const base::fs::path& store, const std::string& key) try {
  if (!base::fs::exists(index_path(store))) return std::nullopt;
  const json root = json::parse(base::read_file(index_path(store)));
  StoreIndex index{.key = root.at("key").get<std::string>(),
                   .band_hz = root.at("band_hz").get<double>(),
                   .recordings = {},
                   .left_out = root.at("left_out").get<std::vector<std::string>>()};
  int64_t end = 0;
  for (const json& row : root.at("recordings")) {
    index.recordings.push_back(
        {row.at(0).get<std::string>(), row.at(1).get<int64_t>(), row.at(2).get<int64_t>()});
    if (index.recordings.back().offset != end || index.recordings.back().samples < 1)
      return std::nullopt;
    end += index.recordings.back().samples;
  }
  std::error_code error;
  const auto size = base::fs::file_size(waves_path(store), error);
  if (error || index.key != key || size != static_cast<uint64_t>(2 * end)) return std::nullopt;
  return index;
} catch (const json::exception&) {
  return std::nullopt;
}

void write_store(const base::fs::path& store, const StoreSource& source,
                 const std::function<void(size_t files, size_t of)>& prepared) {
  base::make_folder(store);
  base::remove_leftovers(store);
  StoreIndex index{.key = source.key, .band_hz = 0, .recordings = {}, .left_out = {}};
  base::AtomicFile waves(waves_path(store));
  audio::BandwidthMeter band(source.sample_rate_hz);
  int64_t end = 0;
  for (size_t i = 0; i < source.names.size(); ++i) {
    if (base::stop_requested())
      throw base::Interrupted(source.folder.string(), "the recordings were not all decoded",
                              "the same command begins with them again");
    try {
      const std::vector<float> wave =
          audio::load_mono(source.folder / source.names[i], source.sample_rate_hz);
      const auto samples = static_cast<int64_t>(wave.size());
      if (samples < source.least_samples)
        throw Error(ErrorKind::unsupported, (source.folder / source.names[i]).string(),
                    "is " + std::to_string(samples) + " samples long, at least " +
                        std::to_string(source.least_samples) + " are needed");
      for (const float sample : wave) band.add(sample);
      append(waves, wave);
      index.recordings.push_back({source.names[i], end, samples});
      end += samples;
    } catch (const base::Interrupted&) {
      throw;
    } catch (const Error& error) {
      // What would go well another time: the disk, or ffmpeg that is not installed.
      if (error.kind() == ErrorKind::io || error.kind() == ErrorKind::not_found) throw;
      index.left_out.emplace_back(error.what());
    }
    if (prepared) prepared(i + 1, source.names.size());
  }
  index.band_hz = band.bandwidth_hz();
  waves.commit();
  write_index(store, index);
}

}  // namespace koi::codec_train
