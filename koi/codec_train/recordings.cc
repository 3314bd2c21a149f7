#include "koi/codec_train/recordings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/base/random.h"
#include "koi/codec_train/exclude_list.h"
#include "koi/codec_train/recording_store.h"

namespace koi::codec_train {
namespace {

std::vector<std::string> list_recordings(const DataSettings& data, const Recordings::Note& note) {
  std::optional<ExcludeList> excluded;
  if (data.exclude) excluded.emplace(*data.exclude, data.folder);
  std::vector<std::string> names;
  for (const base::fs::path& path : base::list_files(data.folder, audio::is_audio_path)) {
    const base::fs::path name = path.lexically_relative(data.folder);
    if (!excluded || !excluded->names(name)) names.push_back(name.generic_string());
  }
  if (excluded) note(excluded->describe());
  return names;
}

// What the codec's spectrogram can be made of.
int64_t least_samples(const Settings& settings) {
  const codec::SpectrogramConfig& mel = settings.codec.spec_transform;
  return (mel.n_fft - mel.hop_length + 1) / 2 + 1;
}

std::string key_of(const Settings& settings, const std::vector<std::string>& names) {
  std::string text = "2 " + base::fs::absolute(settings.data.folder).lexically_normal().string() +
                     ' ' + std::to_string(settings.codec.spec_transform.sample_rate) + ' ' +
                     std::to_string(least_samples(settings));
  for (const std::string& name : names) {
    std::error_code error;
    const base::fs::path path = settings.data.folder / name;
    const auto size = base::fs::file_size(path, error);
    const auto time = base::fs::last_write_time(path, error).time_since_epoch().count();
    text += '\n' + name + '\0' + std::to_string(size) + ' ' + std::to_string(time);
  }
  return base::sha256_hex(text);
}

// Moves the recordings with the lowest hashes from `training` to `held_out`, order kept.
void hold_out(const DataSettings& data, std::vector<Recording>& training,
              std::vector<Recording>& held_out) {
  const auto all = static_cast<int64_t>(training.size());
  const auto share =
      static_cast<int64_t>(std::lround(data.held_out_share * static_cast<double>(all)));
  const int64_t count =
      std::min(std::clamp(share, data.held_out_least, data.held_out_most), all - 1);
  // With their offsets: names that are no UTF-8 may have become equal.
  std::set<std::pair<std::string, int64_t>> chosen;
  for (const Recording& recording : training)
    chosen.emplace(base::sha256_hex(recording.name), recording.offset);
  chosen.erase(std::next(chosen.begin(), count), chosen.end());
  std::set<int64_t> offsets;
  for (const auto& [hash, offset] : chosen) offsets.insert(offset);
  const auto middle =
      std::stable_partition(training.begin(), training.end(),
                            [&](const Recording& r) { return !offsets.contains(r.offset); });
  held_out.assign(middle, training.end());
  training.erase(middle, training.end());
}

}  // namespace

Recordings::Recordings(const Settings& settings, const base::fs::path& store, const Note& note,
                       const Prepared& prepared)
    : rate_hz_(static_cast<int>(settings.codec.spec_transform.sample_rate)) {
  const std::vector<std::string> names = list_recordings(settings.data, note);
  key_ = key_of(settings, names);
  std::optional<StoreIndex> index = read_index(store, key_);
  if (!index) {
    write_store(store,
                {.folder = settings.data.folder,
                 .names = names,
                 .sample_rate_hz = rate_hz_,
                 .least_samples = least_samples(settings),
                 .key = key_},
                prepared);
    index = read_index(store, key_);  // as later calls will see it
  }
  if (!index) throw Error(ErrorKind::io, store.string(), "was changed by somebody else");
  for (const std::string& line : index->left_out) note("left out: " + line);
  if (index->recordings.size() < 2)
    throw Error(ErrorKind::config, settings.data.folder.string(),
                "has " + std::to_string(index->recordings.size()) +
                    " recordings to train on, at least 2 are needed",
                "see the notes above, and that data.recordings is the right folder");
  band_hz_ = index->band_hz;
  waves_ = base::MappedFile::open(waves_path(store));
  const int64_t per_column = settings.codec.samples_per_column();
  for (const StoredRecording& stored : index->recordings) {
    const int64_t columns = (stored.samples + per_column - 1) / per_column;
    training_.push_back({.name = stored.name,
                         .offset = stored.offset,
                         .samples = stored.samples,
                         .columns = std::max(columns, settings.window_columns())});
  }
  hold_out(settings.data, training_, held_out_);
}

double Recordings::seconds() const {
  int64_t samples = 0;
  for (const Recording& recording : training_) samples += recording.samples;
  return static_cast<double>(samples) / rate_hz_;
}

void Recordings::read(const Recording& recording, int64_t begin, std::span<float> out) const {
  const char* first = waves_->bytes().data() + 2 * recording.offset;
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t at = std::abs(begin + static_cast<int64_t>(i));
    int16_t sample = 0;
    if (at < recording.samples) std::memcpy(&sample, first + 2 * at, sizeof(sample));
    out[i] = static_cast<float>(sample) / 32768.0F;
  }
}

std::vector<Place> Recordings::draw(const BatchNumber& number, int64_t count,
                                    int64_t columns) const {
  std::vector<uint64_t> places;  // up to and with each recording
  uint64_t sum = 0;
  for (const Recording& recording : training_)
    places.push_back(sum +=
                     static_cast<uint64_t>(std::max(recording.columns - columns, int64_t{0}) + 1));
  const std::array<uint32_t, 5> words = {
      static_cast<uint32_t>(number.seed), static_cast<uint32_t>(number.seed >> 32),
      static_cast<uint32_t>(number.step), static_cast<uint32_t>(number.step >> 32),
      1 + static_cast<uint32_t>(number.stage)};
  base::PythonRandom random(words);
  std::vector<Place> drawn;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t place = random.below(sum);
    const auto at = std::upper_bound(places.begin(), places.end(), place);
    const uint64_t before = at == places.begin() ? 0 : *(at - 1);
    drawn.push_back(
        {static_cast<size_t>(at - places.begin()), static_cast<int64_t>(place - before)});
  }
  return drawn;
}

}  // namespace koi::codec_train
