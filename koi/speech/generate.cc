#include "koi/speech/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/version.h"

namespace koi::speech {
namespace {

void check_column(std::span<const int32_t> column, int64_t t, const lm::ModelConfig& config) {
  for (size_t row = 0; row < column.size(); ++row) {
    const int64_t limit = row == 0 ? config.vocab_size : config.codebook_size;
    if (column[row] < 0 || column[row] >= limit) {
      throw Error(ErrorKind::corrupt, "prompt",
                  fmt::format("value {} in row {}, column {}, the model knows 0 to {}", column[row],
                              row, t, limit - 1),
                  "the tokenizer or the codes belong to another model");
    }
  }
}

void check_columns(const TokenColumns& columns, const lm::ModelConfig& config) {
  for (int64_t t = 0; t < columns.columns(); ++t) check_column(columns.column(t), t, config);
}

// How many frames to make.
int64_t frame_limit(const SpeechModel& speech, const TokenColumns& prompt,
                    const GenerateOptions& options) {
  check_generation(options);
  const lm::ModelConfig& config = speech.model.config();
  if (prompt.rows != config.num_codebooks + 1 || prompt.columns() == 0) {
    throw Error(ErrorKind::internal, "prompt",
                fmt::format("{} rows and {} columns, expected {} rows", prompt.rows,
                            prompt.columns(), config.num_codebooks + 1));
  }
  check_columns(prompt, config);
  const int64_t room = speech.context_length() - prompt.columns();
  if (room < 1) {
    throw Error(ErrorKind::config, "prompt",
                fmt::format("{} tokens leave no room in the model's context of {}",
                            prompt.columns(), speech.context_length()),
                "give a shorter text, or fewer or shorter references");
  }
  return options.max_new_tokens == 0 ? room : std::min(options.max_new_tokens, room);
}

// Columns with which both begin.
int64_t common_columns(const TokenColumns& a, const TokenColumns& b) {
  const auto [end, other] =
      std::mismatch(a.values.begin(), a.values.end(), b.values.begin(), b.values.end());
  return (end - a.values.begin()) / b.rows;
}

void check_not_stopped(const std::vector<TokenColumns>& frames) {
  if (!base::stop_requested()) return;
  int64_t made = 0;
  for (const TokenColumns& speech : frames) made += speech.columns();
  throw base::Interrupted("generation", fmt::format("given up after {} frames", made),
                          "the same command begins anew");
}

// Whether the last frame is the end. Unconstrained the first one never is.
bool has_ended(const TokenColumns& spoken, const SpeechModel& speech,
               const GenerateOptions& options) {
  const int64_t frames = spoken.columns();
  return (options.constrained || frames > 1) && spoken.column(frames - 1)[0] == speech.im_end_id;
}

// From begin() to end(), whatever happens.
class FrameRun {
 public:
  FrameRun(Frames& frames, size_t count, const GenerateOptions& options) : frames_(frames) {
    frames.begin(count, options);
  }
  ~FrameRun() { frames_.end(); }
  FrameRun(const FrameRun&) = delete;
  FrameRun& operator=(const FrameRun&) = delete;

 private:
  Frames& frames_;
};

}  // namespace

Noise torch_noise(uint64_t seed) {
  return [generator = at::detail::createCPUGenerator(seed)](std::span<float> row) {
    const c10::InferenceMode no_gradients;
    at::Tensor draws = at::from_blob(row.data(), {std::ssize(row)}, at::kFloat);
    draws.exponential_(1, generator);
  };
}

Speaker::Speaker(const SpeechModel& speech, std::vector<Noise> noises, Twins twins)
    : speech_(speech),
      size_(noises.size()),
      held_((twins == Twins::none ? 1 : 2) * size_,
            {speech.model.config().num_codebooks + 1, {}, false}),
      frames_(make_frames(speech, std::move(noises), twins)) {}

std::vector<TokenColumns> Speaker::speak(std::span<const TokenColumns> prompts,
                                         const GenerateOptions& options,
                                         std::span<const TokenColumns> textless) {
  if (options.guided() != has_twins() || textless.size() != (has_twins() ? prompts.size() : 0))
    throw Error(ErrorKind::internal, "guidance", "its prompts without text are not there");
  std::vector<int64_t> limits;
  for (const TokenColumns& prompt : prompts)
    limits.push_back(frame_limit(speech_, prompt, options));
  for (size_t i = 0; i < textless.size(); ++i)
    limits[i] = std::min(limits[i], frame_limit(speech_, textless[i], options));
  std::vector<TokenColumns> spoken;
  std::vector<size_t> speaking;
  for (size_t i = 0; i < prompts.size(); ++i) {
    hold(i, prompts[i]);
    if (has_twins()) hold(size_ + i, textless[i]);
    spoken.push_back({prompts[i].rows, {}, prompts[i].wide});
    speaking.push_back(i);
  }
  const FrameRun run(*frames_, prompts.size(), options);
  while (!speaking.empty()) {
    check_not_stopped(spoken);
    const std::vector<int32_t> made = frames_->next(speaking);
    for (size_t place = 0; place < speaking.size(); ++place) {
      const size_t i = speaking[place];
      const auto rows = static_cast<size_t>(spoken[i].rows);
      const auto frame = std::span(made).subspan(place * rows, rows);
      if (spoken[i].columns() > 0) {
        const auto last = spoken[i].column(spoken[i].columns() - 1);
        add_held(i, last);
        if (has_twins()) add_held(size_ + i, last);
      }
      spoken[i].values.insert(spoken[i].values.end(), frame.begin(), frame.end());
      if (options.on_frame) options.on_frame(i, frame);
    }
    std::erase_if(speaking, [&](size_t i) {
      return has_ended(spoken[i], speech_, options) || spoken[i].columns() == limits[i];
    });
  }
  return spoken;
}

void Speaker::add_held(size_t sequence, std::span<const int32_t> column) {
  held_[sequence].values.insert(held_[sequence].values.end(), column.begin(), column.end());
  computed_ += 1;
}

// The longest beginning that any sequence holds already is taken over, but for the last column,
// whose hidden state nobody has kept.
void Speaker::hold(size_t sequence, const TokenColumns& columns) {
  size_t best = sequence;
  int64_t known = 0;
  for (size_t i = 0; i < held_.size(); ++i) {
    const int64_t common = std::min(common_columns(held_[i], columns), columns.columns() - 1);
    if (common > known || (common == known && i == sequence)) {
      known = common;
      best = i;
    }
  }
  frames_->steps().take_over(sequence, best, known);
  TokenColumns rest{columns.rows, {}, columns.wide};
  rest.values.assign(columns.values.begin() + known * columns.rows, columns.values.end());
  held_[sequence].values.clear();  // should the next line throw
  frames_->steps().append(sequence, rest);
  held_[sequence] = columns;
  computed_ += rest.columns();
}

void Speaker::begin_with(const TokenColumns& beginning, const KeptBeginnings& kept, bool of_twins) {
  if (speech_.cpu == nullptr || beginning.columns() == 0) return;
  check_columns(beginning, speech_.model.config());
  std::string key = fmt::format("prompt\n{}\n{}\n{}\n", base::version(),
                                kernels::name_of(speech_.instructions), kept.model);
  key.append(reinterpret_cast<const char*>(beginning.values.data()),
             beginning.values.size() * sizeof(int32_t));
  const std::optional<std::string> state = kept.files.load(key);
  const size_t sequence = of_twins ? size_ : 0;
  if (state && frames_->steps().set_state(sequence, beginning.columns(), *state)) {
    held_[sequence] = beginning;
    return;
  }
  hold(sequence, beginning);
  kept.files.keep(key, frames_->steps().state(sequence, beginning.columns()));
}

TokenColumns generate(const SpeechModel& speech, const TokenColumns& prompt,
                      const GenerateOptions& options, const Noise& noise) {
  return Speaker(speech, {noise}).speak(std::span(&prompt, 1), options).front();
}

}  // namespace koi::speech
