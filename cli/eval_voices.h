// The voices of koi eval: checkpoints with their adapters, and a codec.
#pragma once

#include <string>
#include <vector>

#include "cli/speech_flags.h"
#include "koi/eval/takes.h"

namespace koi::cli {

// What is written on the command line: [NAME=]CHECKPOINT[+ADAPTER[:WEIGHT]...]. A path that holds
// such signs itself is taken as it is where there is one of that name.
struct VoiceWords {
  std::string name;  // by default as the folder is called, and the adapters: base+alice
  base::fs::path checkpoint;
  std::vector<std::string> adapters;
};

// Throws Error(usage) where there is no name or no checkpoint in it, Error(not_found) for a
// checkpoint that is no folder.
VoiceWords parse_voice(const std::string& text);

// It speaks as koi say does, each sentence with draws of its own from the seed. `flags` say all but
// the checkpoint and its adapters; `codec`: its file, empty for the checkpoint's own. Reads all
// files to tell the voice from others; they are loaded when it is to speak.
eval::Voice checkpoint_voice(const VoiceWords& words, SpeechFlags flags,
                             const base::fs::path& codec);

// Recordings as codes and back.
eval::Voice codec_voice(const std::string& name, const base::fs::path& codec,
                        const SpeechFlags& flags);

}  // namespace koi::cli
