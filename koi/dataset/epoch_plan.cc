#include "koi/dataset/epoch_plan.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "koi/base/random.h"

namespace koi::dataset {
namespace {

// Rows that still take samples. More of them fill better and mix less.
constexpr size_t kOpenRows = 32;

class Planner {
 public:
  explicit Planner(const EpochSeed& seed)
      : random_(std::array{static_cast<uint32_t>(seed.seed), static_cast<uint32_t>(seed.seed >> 32),
                           static_cast<uint32_t>(seed.epoch), kStream}),
        lengths_(random_.bits(32)) {}

  void add_samples(const SpeakerPlan& plan, size_t speaker) {
    const std::vector<size_t> order = order_of(plan);
    for (size_t begin = 0; begin < order.size();) {
      PlannedSample sample = start_sample(plan, speaker);
      const int64_t wanted = sample.length;
      sample.length = 0;
      for (; begin < order.size(); ++begin) {
        const SentencePlace& sentence = plan.sentences[order[begin]];
        if (is_full(sample, plan.options) ||
            (!sample.parts.empty() && sample.length + sentence.length > wanted)) {
          break;
        }
        sample.length += sentence.length;
        sample.parts.push_back(
            {.sentence = order[begin],
             .spelling = random_.below(sentence.spellings),
             .reading = sentence.readings > 1 ? random_.below(sentence.readings) : 0,
             .skip_text = sample.interactive && random_.random() < plan.options.skip_text_prob});
      }
      samples_.push_back(std::move(sample));
    }
  }

  std::vector<PlannedRow> rows(int64_t max_length) {
    random_.shuffle(samples_);
    for (PlannedSample& sample : samples_) place(std::move(sample), max_length);
    for (OpenRow& row : open_) rows_.push_back(std::move(row.samples));
    random_.shuffle(rows_);
    return std::move(rows_);
  }

 private:
  // Keeps these numbers apart from others that are drawn with the same seed.
  static constexpr uint32_t kStream = 0x65706F63;

  struct OpenRow {
    PlannedRow samples;
    int64_t length = 0;
  };

  static bool is_full(const PlannedSample& sample, const SamplerOptions& options) {
    return options.max_sentences > 0 &&
           static_cast<int64_t>(sample.parts.size()) >= options.max_sentences;
  }

  std::vector<size_t> order_of(const SpeakerPlan& plan) {
    std::vector<size_t> order(plan.sentences.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (!plan.options.causal) {
      random_.shuffle(order);
    } else if (!order.empty()) {
      const auto first = static_cast<std::ptrdiff_t>(random_.below(order.size()));
      std::rotate(order.begin(), order.begin() + first, order.end());
    }
    return order;
  }

  // Its length is what it aims at.
  PlannedSample start_sample(const SpeakerPlan& plan, size_t speaker) {
    const SamplerOptions& options = plan.options;
    PlannedSample sample;
    sample.speaker = speaker;
    sample.interactive = random_.random() < options.interactive_prob;
    sample.length = sample.interactive
                        ? options.max_length
                        : static_cast<int64_t>(draw_truncated_length(lengths_, options.max_length));
    const double* share = std::get_if<double>(&options.use_speaker);
    sample.use_speaker =
        share != nullptr ? random_.random() < *share : std::get<bool>(options.use_speaker);
    sample.drop_texts = options.text_dropout > 0 && random_.random() < options.text_dropout;
    return sample;
  }

  void place(PlannedSample sample, int64_t max_length) {
    const int64_t length = sample.length;
    const auto fits = [&](const OpenRow& row) { return row.length + length <= max_length; };
    auto row = std::find_if(open_.begin(), open_.end(), fits);
    if (row == open_.end()) {
      if (open_.size() == kOpenRows) close_fullest();
      row = open_.emplace(open_.end());
    }
    row->samples.push_back(std::move(sample));
    row->length += length;
  }

  void close_fullest() {
    const auto fullest =
        std::max_element(open_.begin(), open_.end(),
                         [](const OpenRow& a, const OpenRow& b) { return a.length < b.length; });
    rows_.push_back(std::move(fullest->samples));
    open_.erase(fullest);
  }

  base::PythonRandom random_;
  base::TorchRandom lengths_;
  std::vector<PlannedSample> samples_;
  std::vector<OpenRow> open_;
  std::vector<PlannedRow> rows_;
};

}  // namespace

std::vector<PlannedRow> plan_epoch(const std::vector<SpeakerPlan>& speakers, int64_t max_length,
                                   const EpochSeed& seed) {
  Planner planner(seed);
  for (size_t i = 0; i < speakers.size(); ++i) planner.add_samples(speakers[i], i);
  return planner.rows(max_length);
}

}  // namespace koi::dataset
