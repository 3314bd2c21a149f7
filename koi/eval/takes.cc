#include "koi/eval/takes.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "koi/audio/convert_rate.h"
#include "koi/audio/sound_meter.h"
#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/base/interrupt.h"

namespace koi::eval {
namespace {

namespace fs = base::fs;
using nlohmann::json;

std::string file_hash(const fs::path& path) {
  return base::sha256_hex(base::MappedFile::open(path)->bytes());
}

std::string key_of(const Voice& voice, const Sentence& sentence) {
  std::string key = "take\n" + voice.identity + '\n' + sentence.text + '\n';
  if (voice.takes_recordings()) key += file_hash(sentence.recording);
  return key;
}

void measure(Take& take) {
  const audio::SoundFigures figures = audio::measure_sound(take.wav);
  const auto seconds = [&figures](int64_t frames) {
    return static_cast<double>(frames) / figures.sample_rate_hz;
  };
  take.duration_s = figures.duration_s();
  take.silent_s = seconds(figures.silent_frames);
  take.clipped_s = seconds(figures.clipped_samples);
  take.hash = file_hash(take.wav);
}

std::string to_text(const Take& take) {
  return json{{"hash", take.hash},
              {"reached_limit", take.reached_limit},
              {"duration_s", take.duration_s},
              {"silent_s", take.silent_s},
              {"clipped_s", take.clipped_s}}
      .dump();
}

// What was kept, where its file is what it was; without sound there is none.
bool restore(Take& take, const std::string& text, const fs::path& wav) {
  try {
    const json entry = json::parse(text);
    take.hash = entry.at("hash").get<std::string>();
    if (!fs::is_regular_file(wav) || file_hash(wav) != take.hash) return false;
    take.reached_limit = entry.at("reached_limit").get<bool>();
    take.duration_s = entry.at("duration_s").get<double>();
    take.silent_s = entry.at("silent_s").get<double>();
    take.clipped_s = entry.at("clipped_s").get<double>();
    take.wav = wav;
    return true;
  } catch (const json::exception&) {
    return false;  // edited by somebody
  }
}

// Speaks into `wav`.
void record(Take& take, const Voice::Speak& speak, const Sentence& sentence, const fs::path& wav) {
  Spoken spoken;
  try {
    spoken = speak(sentence);
  } catch (const base::Interrupted&) {
    throw;
  } catch (const Error& error) {
    take.failure = error.what();
    return;
  }
  take.reached_limit = spoken.reached_limit;
  if (spoken.samples.empty()) {
    take.failure = "the voice ended its turn at once";
    return;
  }
  audio::write_wav_pcm16(wav, spoken.samples, spoken.sample_rate_hz);
  take.wav = wav;
  measure(take);
}

}  // namespace

Voice originals() {
  const auto speak = [](const Sentence& sentence) {
    const audio::Audio<double> audio = audio::read_audio<double>(sentence.recording);
    const std::vector<double> mono = audio::mix_to_mono(audio.samples, audio.channels);
    return Spoken{{mono.begin(), mono.end()}, audio.sample_rate_hz};
  };
  return {.name = "originals",
          .kind = Voice::Kind::originals,
          .identity = "originals",
          .load = [speak] { return speak; }};
}

std::vector<Take> make_takes(const Voice& voice, const std::vector<Sentence>& sentences,
                             const fs::path& folder, Kept& kept,
                             const std::function<void(const Take&)>& on_take) {
  base::make_folder(folder);
  Voice::Speak speak;
  std::vector<Take> takes;
  for (size_t i = 0; i < sentences.size(); ++i) {
    const Sentence& sentence = sentences[i];
    if (voice.takes_recordings() && sentence.recording.empty()) continue;
    if (base::stop_requested())
      throw base::Interrupted("eval", "was stopped", "the same command goes on");
    Take take{.sentence = i};
    const fs::path wav = folder / (sentence.name + ".wav");
    const std::string key = key_of(voice, sentence);
    const std::optional<std::string> before = kept.find(key);
    if (!before || !restore(take, *before, wav)) {
      if (!speak) speak = voice.load();
      record(take, speak, sentence, wav);
      if (take.failure.empty()) kept.keep(key, to_text(take));
    }
    on_take(take);
    takes.push_back(std::move(take));
  }
  return takes;
}

}  // namespace koi::eval
