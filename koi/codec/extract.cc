#include "koi/codec/extract.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <set>

#include "koi/audio/audio_file.h"
#include "koi/audio/resample.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/leftovers.h"
#include "koi/base/parallel.h"
#include "koi/checkpoint/npy.h"
#include "koi/tensor/device.h"

namespace koi::codec {
namespace {

namespace fs = base::fs;

// Samples that are read ahead at most: 25 minutes, 256 MB. One longer file is read all the same.
constexpr int64_t kSamplesAhead = int64_t{1} << 26;

// A file on its way: read, then encoded.
struct Item {
  fs::path path;
  int shift = 0;                 // which of ExtractOptions::shifts
  int64_t expected_samples = 0;  // at the codec's rate, as the header says; else a guess
  bool present = false;
  double audio_s = 0;  // encoded
  std::vector<float> wave;
  std::optional<ExtractFailure> failure;
};

fs::path codes_path(const fs::path& audio, int shift) {
  return fs::path(audio).replace_extension(shift == 0 ? ".npy" : ".shift" + std::to_string(shift));
}

class Extraction {
 public:
  Extraction(const Firefly& codec, const std::vector<fs::path>& files,
             const ExtractOptions& options, const OnExtracted& on_file)
      : codec_(codec), files_(files), options_(options), on_file_(on_file) {}

  // Takes from the front of the work as many files as are read together, probed.
  std::vector<Item> next_group();
  bool is_at_end() const { return next_ == work() && probed_.empty(); }

  // Reads and encodes the group's files; returns how many of them, from the first on, before a
  // signal came.
  size_t extract(std::vector<Item>& group);

 private:
  size_t extract_by_file(std::vector<Item>& group);
  size_t extract_in_turn(std::vector<Item>& group);
  void read(Item& item) const;
  void encode_alone(Item& item) const;
  void encode_together(std::vector<Item>& group) const;
  void tell(const Item& item);
  void probe(Item& item) const;
  void probe_ahead();
  size_t work() const { return files_.size() * static_cast<size_t>(options_.shifts); }
  int64_t silence(const Item& item) const {  // in front, samples
    return codec_.config().samples_per_column() * item.shift / options_.shifts;
  }
  int rate_hz() const { return static_cast<int>(codec_.config().spec_transform.sample_rate); }
  bool is_sound(const fs::path& path, std::optional<int64_t> frames) const;
  void require_column(const Item& item, int64_t samples) const;
  void write(Item& item, const at::Tensor& codes, int64_t frames) const;

  const Firefly& codec_;
  const std::vector<fs::path>& files_;
  const ExtractOptions& options_;
  const OnExtracted& on_file_;
  std::mutex telling_;
  size_t next_ = 0;          // of the work, not yet probed
  std::deque<Item> probed_;  // not yet in a group
};

ExtractFailure too_large(const Item& item) {
  const Error error(ErrorKind::io, item.path.string(), "is too large for the memory",
                    "cut it into pieces (koi slice)");
  return {item.path.string(), error.what()};
}

// Runs one step on one file; an Error becomes the item's failure.
void guarded(Item& item, const std::function<void(Item&)>& step) {
  if (item.failure || item.present) return;
  try {
    step(item);
  } catch (const Error& error) {
    item.failure = ExtractFailure{item.path.string(), error.what()};
  } catch (const std::bad_alloc&) {
    item.failure = too_large(item);
  } catch (const c10::Error&) {  // how libtorch says it
    item.failure = too_large(item);
  }
  if (item.failure) item.wave = {};
}

// Was `made` last written when `source` was, or later?
bool is_as_new(const fs::path& made, const fs::path& source) {
  std::error_code none, neither;
  const auto made_time = fs::last_write_time(made, none);
  const auto source_time = fs::last_write_time(source, neither);
  return !none && !neither && made_time >= source_time;
}

// Is there a .npy of codes that this codec could have made, of so many columns where that is known?
bool Extraction::is_sound(const fs::path& path, std::optional<int64_t> frames) const {
  try {
    const checkpoint::TensorView array = checkpoint::read_npy(path);
    if (array.dtype != checkpoint::DType::i32) return false;
    const checkpoint::Codes codes = checkpoint::to_codes(array, path.string());
    const int64_t size = codec_.config().codebook_size();
    return codes.codebooks == codec_.config().codebooks() &&
           codes.frames == frames.value_or(codes.frames) && codes.frames > 0 &&
           std::all_of(codes.values.begin(), codes.values.end(),
                       [size](int32_t code) { return code < size; });
  } catch (const Error&) {
    return false;  // missing or damaged: to be written
  }
}

void Extraction::require_column(const Item& item, int64_t samples) const {
  if (codec_.feature_length(samples) > 0) return;
  throw Error(ErrorKind::unsupported, item.path.string(),
              "is too short: " + std::to_string(samples) + " samples at " +
                  std::to_string(rate_hz()) + " Hz, one code column takes " +
                  std::to_string(codec_.config().samples_per_column()),
              "leave the file out");
}

void Extraction::probe(Item& item) const {
  const fs::path codes = codes_path(item.path, item.shift);
  const std::optional<audio::AudioInfo> info = audio::probe_native(item.path);
  if (!info) {
    // Its length takes decoding; so codes count that were written after it.
    constexpr int64_t kMostSamplesAByte = 16;  // speech as Opus
    item.expected_samples = kMostSamplesAByte * static_cast<int64_t>(fs::file_size(item.path));
    item.present = !options_.overwrite && is_as_new(codes, item.path) && is_sound(codes, {});
    return;
  }
  item.expected_samples =
      silence(item) + audio::resampled_length(info->frames, info->sample_rate_hz, rate_hz());
  require_column(item, item.expected_samples);
  item.present =
      !options_.overwrite && is_sound(codes, codec_.feature_length(item.expected_samples));
}

// Most of a second run is spent here, so all cores do it.
void Extraction::probe_ahead() {
  constexpr size_t kAhead = 1024;
  const size_t begin = probed_.size();
  const auto shifts = static_cast<size_t>(options_.shifts);
  for (; next_ < work() && probed_.size() < kAhead; ++next_) {
    Item& item = probed_.emplace_back();
    item.path = files_[next_ / shifts];
    item.shift = static_cast<int>(next_ % shifts);
  }
  base::parallel_for(probed_.size() - begin, base::usable_cores(), [&](size_t i) {
    guarded(probed_[begin + i], [this](Item& item) { probe(item); });
  });
}

// As many files as a batch has, fewer where they are long.
std::vector<Item> Extraction::next_group() {
  std::vector<Item> group;
  int64_t samples = 0;
  while (!is_at_end() && group.size() < options_.batch_size) {
    if (probed_.empty()) probe_ahead();
    Item& item = probed_.front();
    const int64_t ahead = item.present || item.failure ? 0 : item.expected_samples;
    if (!options_.reference_padding && !group.empty() && samples + ahead > kSamplesAhead) break;
    samples += ahead;
    group.push_back(std::move(item));
    probed_.pop_front();
  }
  return group;
}

void Extraction::read(Item& item) const {
  item.wave = audio::load_mono(item.path, rate_hz());
  item.wave.insert(item.wave.begin(), static_cast<size_t>(silence(item)), 0.0F);
  require_column(item, static_cast<int64_t>(item.wave.size()));
}

void Extraction::write(Item& item, const at::Tensor& codes, int64_t frames) const {
  const at::Tensor kept = codes.narrow(1, 0, frames).to(at::kCPU, at::kInt).contiguous();
  const auto* values = kept.const_data_ptr<int32_t>();
  checkpoint::write_codes(codes_path(item.path, item.shift),
                          {kept.size(0), kept.size(1), {values, values + kept.numel()}});
  if (item.shift == 0) item.audio_s = static_cast<double>(item.wave.size()) / rate_hz();
}

void Extraction::encode_alone(Item& item) const {
  const auto samples = static_cast<int64_t>(item.wave.size());
  const at::Tensor wave = at::from_blob(item.wave.data(), {1, 1, samples}, at::kFloat);
  const Encoded encoded = codec_.encode(wave, {samples});
  write(item, encoded.codes[0], encoded.feature_lengths[0]);
  item.wave = {};
}

void Extraction::encode_together(std::vector<Item>& group) const {
  std::vector<Item*> items;
  for (Item& item : group) {
    if (!item.failure && !item.present) items.push_back(&item);
  }
  if (items.empty()) return;
  std::vector<int64_t> lengths;
  for (const Item* item : items) lengths.push_back(static_cast<int64_t>(item->wave.size()));
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const at::Tensor waves = at::zeros({static_cast<int64_t>(items.size()), 1, longest}, at::kFloat);
  for (size_t i = 0; i < items.size(); ++i) {
    waves[static_cast<int64_t>(i)][0]
        .narrow(0, 0, lengths[i])
        .copy_(at::from_blob(items[i]->wave.data(), {lengths[i]}, at::kFloat));
  }
  const Encoded encoded = codec_.encode(waves, lengths);
  for (size_t i = 0; i < items.size(); ++i) {
    guarded(*items[i], [&](Item& item) {
      write(item, encoded.codes[static_cast<int64_t>(i)], encoded.feature_lengths[i]);
    });
  }
}

void Extraction::tell(const Item& item) {
  const std::lock_guard lock(telling_);
  if (on_file_) on_file_(item.failure ? &*item.failure : nullptr, item.audio_s);
}

// A file a thread, as long as there are enough of them for no thread to wait long at the end.
size_t Extraction::extract(std::vector<Item>& group) {
  constexpr std::ptrdiff_t kFilesAThread = 4;
  const auto threads = static_cast<std::ptrdiff_t>(tensor::thread_count());
  const auto left = std::count_if(group.begin(), group.end(),
                                  [](const Item& item) { return !item.present && !item.failure; });
  const bool many = threads > 1 && left >= kFilesAThread * threads;
  return many && codec_.device().is_cpu() && !options_.reference_padding ? extract_by_file(group)
                                                                         : extract_in_turn(group);
}

size_t Extraction::extract_by_file(std::vector<Item>& group) {
  const auto threads = static_cast<int>(tensor::thread_count());
  const size_t done = base::parallel_for(group.size(), tensor::thread_count(), [&](size_t i) {
    tensor::set_threads(1);
    guarded(group[i], [this](Item& item) {
      read(item);
      encode_alone(item);
    });
    tell(group[i]);
  });
  tensor::set_threads(threads);
  return done;
}

// All read ahead, then each encoded by all threads.
size_t Extraction::extract_in_turn(std::vector<Item>& group) {
  const size_t workers = std::clamp<size_t>(options_.num_workers, 1, base::usable_cores());
  base::parallel_for(group.size(), workers,
                     [&](size_t i) { guarded(group[i], [this](Item& item) { read(item); }); });
  if (base::stop_requested()) return 0;  // some may not have been read
  if (options_.reference_padding) encode_together(group);
  for (size_t i = 0; i < group.size(); ++i) {
    if (!options_.reference_padding) {
      if (base::stop_requested()) return i;
      guarded(group[i], [this](Item& item) { encode_alone(item); });
    }
    tell(group[i]);
  }
  return group.size();
}

// Of earlier runs, from number `from` on: another codec may have made them.
void remove_shifts(const std::vector<fs::path>& files, int from) {
  for (const fs::path& file : files) {
    std::error_code error;  // a name that is too long, where nothing is
    for (int shift = from; fs::remove(codes_path(file, shift), error); ++shift) continue;
  }
}

void remove_leftovers_beside(const std::vector<fs::path>& files) {
  std::set<fs::path> folders;
  for (const fs::path& file : files) folders.insert(file.parent_path());
  for (const fs::path& folder : folders) base::remove_leftovers(folder.empty() ? "." : folder);
}

}  // namespace

ExtractReport extract_codes(const Firefly& codec, const ExtractPlan& plan,
                            const ExtractOptions& options, const OnExtracted& on_file) {
  remove_shifts(plan.files, options.shifts);
  remove_leftovers_beside(plan.files);
  ExtractReport report;
  report.failures = plan.failures;
  Extraction extraction(codec, plan.files, options, on_file);
  while (!extraction.is_at_end() && !base::stop_requested()) {
    std::vector<Item> group = extraction.next_group();
    group.resize(extraction.extract(group));
    for (const Item& item : group) {
      if (item.failure) {
        report.failures.push_back(*item.failure);
      } else {
        ++(item.present ? report.present : report.extracted);
      }
      ++report.files;
      report.audio_s += item.audio_s;
    }
  }
  report.stopped = report.files < plan.files.size() * static_cast<size_t>(options.shifts);
  return report;
}

}  // namespace koi::codec
