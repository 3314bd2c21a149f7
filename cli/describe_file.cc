#include "cli/describe_file.h"

#include <nlohmann/json.hpp>
#include <set>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/checkpoint/safetensors.h"
#include "koi/checkpoint/weights_file.h"
#include "koi/dataset/shard.h"
#include "koi/text/tokenizer.h"

namespace koi::cli {
namespace {

using checkpoint::Description;
using checkpoint::kFrameSeconds;
using Json = nlohmann::json;

Description describe_shard(const base::fs::path& path) {
  Description description{"shard of a data set", {}, {}};
  dataset::ShardReader reader(path);
  std::set<std::string> speakers;
  int64_t sentences = 0, frames = 0;
  while (const auto record = reader.next()) {
    int64_t record_frames = 0;
    for (const dataset::Sentence& sentence : record->sentences)
      record_frames += sentence.codes.empty() ? 0 : std::ssize(sentence.codes[0]);
    speakers.insert(record->name);
    sentences += std::ssize(record->sentences);
    frames += record_frames;
    description.parts.push_back({record->name,
                                 {{"source", record->source},
                                  {"sentences", std::ssize(record->sentences)},
                                  {"frames", record_frames}}});
  }
  description.facts = {{"records", std::ssize(description.parts)},
                       {"speakers", std::ssize(speakers)},
                       {"sentences", sentences},
                       {"frames", frames},
                       {"seconds", static_cast<double>(frames) * kFrameSeconds}};
  return description;
}

// The tokenizer must load; its kind and its special tokens stand in the JSON.
Description describe_tokenizer(const base::fs::path& path) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(path);
  const Json file = Json::parse(base::read_file(path));
  Description description{"tokenizer", {}, {}};
  description.facts = {{"model", file.at("model").value("type", std::string("BPE"))},
                       {"vocab_size", tokenizer.vocab_size()}};
  for (const Json& token : file.value("added_tokens", Json::array())) {
    if (!token.value("special", false)) continue;
    description.parts.push_back(
        {token.at("content").get<std::string>(), {{"id", token.at("id").get<int64_t>()}}});
  }
  description.facts.push_back({"special_tokens", std::ssize(description.parts)});
  return description;
}

Description describe_audio(const base::fs::path& path) {
  const audio::AudioInfo info = audio::probe_audio(path);
  return {"recording",
          {{"container", info.container},
           {"encoding", info.encoding},
           {"sample_rate_hz", int64_t{info.sample_rate_hz}},
           {"channels", int64_t{info.channels}},
           {"frames", info.frames},
           {"duration_s", info.duration_s()}},
          {}};
}

bool has_extension(const base::fs::path& path, const std::set<std::string>& extensions) {
  return extensions.contains(base::lower_extension(path));
}

}  // namespace

Description describe_file(const base::fs::path& path) {
  if (base::fs::is_directory(path)) return describe_file(checkpoint::find_weights(path));
  const auto file = base::MappedFile::open(path);
  const std::string_view bytes = file->bytes();
  if (bytes.starts_with("\x93NUMPY") || has_extension(path, {".npy"}))
    return checkpoint::describe_npy(path);
  if (checkpoint::is_safetensors(bytes) || bytes.starts_with("PK") ||
      has_extension(path, {".pth", ".ckpt", ".pt", ".safetensors"}))
    return checkpoint::describe_checkpoint(path);
  if (has_extension(path, {".protos", ".proto"})) return describe_shard(path);
  if (bytes.starts_with("{")) return describe_tokenizer(path);
  if (audio::is_audio_path(path) || bytes.starts_with("RIFF") || bytes.starts_with("fLaC") ||
      bytes.starts_with("OggS") || bytes.starts_with("FORM") || bytes.starts_with("ID3"))
    return describe_audio(path);
  throw Error(ErrorKind::unsupported, path.string(), "is of no kind that koi knows",
              "known are .pth, .ckpt, .safetensors, .npy, .protos, tokenizer.json and recordings");
}

}  // namespace koi::cli
