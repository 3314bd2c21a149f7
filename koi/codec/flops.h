// What the codec's arithmetic amounts to, for benchmarks: multiplications and additions of all
// convolutions and products, the mel spectrogram's left out.
#pragma once

#include "koi/codec/config.h"

namespace koi::codec {

// FLOPs for one code column (samples_per_column() samples).
double encode_flops(const FireflyConfig& config);
double decode_flops(const FireflyConfig& config);

}  // namespace koi::codec
