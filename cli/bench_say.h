// koi bench say: from text to sound, as say does it.
#pragma once

#include <string>
#include <vector>

#include "cli/bench_figures.h"
#include "koi/speech/engine.h"

namespace koi::cli {

// Eight seconds of speech in four segments, `together` of them at a time, decoded as they come; the
// rate is audio a second, the inverse of the real-time factor. Then the time to the first sound of
// a sentence, the weights being ready. `name` is that of the formats of the engine's weights.
std::vector<Figure> bench_say(const speech::Engine& engine, const std::string& name,
                              int64_t together, const BenchTime& time);

}  // namespace koi::cli
