#include "cli/eval_voices.h"

#include <algorithm>

#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/base/version.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/codec/convert.h"
#include "koi/speech/engine.h"

namespace koi::cli {
namespace {

namespace fs = base::fs;

std::string content_of(const fs::path& file) {
  return file.filename().string() + ' ' + base::sha256_hex(base::MappedFile::open(file)->bytes()) +
         '\n';
}

// What a file or the files of a folder hold, not those of the folders in it.
std::string contents(const fs::path& path) {
  if (!fs::is_directory(path)) return content_of(path);
  std::string all;
  const auto any = [](const fs::path&) { return true; };
  for (const fs::path& file : base::list_files(path, any, /*recursive=*/false))
    all += content_of(file);
  return all;
}

// A codec's weights, and the sizes that lie beside them.
std::string codec_contents(const fs::path& codec) {
  const fs::path sizes = codec.parent_path() / (std::string(codec::kConfigName) + ".yaml");
  return content_of(codec) + (fs::is_regular_file(sizes) ? content_of(sizes) : "");
}

bool exists(const std::string& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

// A text of a checkpoint whose segments did not all come to their end.
bool reached_limit(const speech::Speech& speech, int64_t max_new_tokens, int64_t context) {
  return std::any_of(
      speech.segments.begin(), speech.segments.end(), [&](const speech::Segment& segment) {
        const int64_t frames = segment.codes.codes.frames;
        const int64_t room = context - segment.prompt_columns;
        return frames >= (max_new_tokens > 0 ? std::min(max_new_tokens, room) : room);
      });
}

}  // namespace

VoiceWords parse_voice(const std::string& text) {
  VoiceWords words;
  std::string rest = text;
  const size_t equals = text.find('=');
  if (equals != std::string::npos && !exists(text)) {
    words.name = text.substr(0, equals);
    rest = text.substr(equals + 1);
    if (words.name.empty() || rest.empty()) {
      throw Error(ErrorKind::usage, text, "is no checkpoint",
                  "write NAME=FOLDER, or FOLDER+ADAPTER");
    }
  }
  while (!exists(rest)) {
    const size_t plus = rest.rfind('+');
    if (plus == std::string::npos) break;
    words.adapters.insert(words.adapters.begin(), rest.substr(plus + 1));
    rest.erase(plus);
  }
  words.checkpoint = rest;
  if (!fs::is_directory(words.checkpoint))
    throw Error(ErrorKind::not_found, rest, "no such checkpoint folder");
  if (!words.name.empty()) return words;
  words.name = (words.checkpoint / "").parent_path().filename().string();
  for (const std::string& adapter : words.adapters) {
    const fs::path path = lora_path(adapter);
    words.name += '+' + path.stem().string() + adapter.substr(path.string().size());
  }
  return words;
}

eval::Voice checkpoint_voice(const VoiceWords& words, SpeechFlags flags, const fs::path& codec) {
  flags.checkpoint = words.checkpoint.string();
  flags.lora.adapters = words.adapters;
  std::string identity = "checkpoint " + std::string(base::version()) + '\n' + flags.identity() +
                         '\n' + contents(words.checkpoint);
  for (const std::string& adapter : words.adapters) {
    const fs::path path = lora_path(adapter);
    identity += adapter.substr(path.string().size()) + '\n' + contents(path);
  }
  if (!codec.empty()) identity += codec_contents(codec);

  const auto load = [flags, codec]() -> eval::Voice::Speak {
    const std::vector<lm::WeightedAdapter> adapters = flags.lora.load();
    const auto engine = std::make_shared<speech::Engine>(speech::Engine::load(
        {.checkpoint = flags.checkpoint, .codec = codec}, flags.model_options()));
    flags.prepare(engine->model(), adapters);
    return [flags, engine](const eval::Sentence& sentence) -> eval::Spoken {
      const speech::LongOptions options = flags.options();
      speech::Speech speech =
          engine->say(flags.spoken(sentence.text), {}, {.text = options, .noises = flags.noises()});
      const bool cut =
          reached_limit(speech, options.generate.max_new_tokens, engine->model().context_length());
      return {std::move(speech.samples), speech.sample_rate_hz, cut};
    };
  };
  return {.name = words.name, .identity = std::move(identity), .load = load};
}

eval::Voice codec_voice(const std::string& name, const fs::path& codec, const SpeechFlags& flags) {
  const auto load = [codec, flags]() -> eval::Voice::Speak {
    const auto loaded = std::make_shared<const codec::Firefly>(
        codec::load_firefly(codec, codec::config_for(codec),
                            {.dtype = at::kFloat, .device = flags.model_options().device}));
    return [loaded](const eval::Sentence& sentence) -> eval::Spoken {
      return {codec::resynthesize(*loaded, sentence.recording),
              static_cast<int>(loaded->config().spec_transform.sample_rate)};
    };
  };
  return {.name = name,
          .kind = eval::Voice::Kind::codec,
          .identity = "codec " + std::string(base::version()) + '\n' + codec_contents(codec),
          .load = load};
}

}  // namespace koi::cli
