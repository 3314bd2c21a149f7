// A codec with random weights, for trials and benchmarks: its sound is noise, its codes spread over
// their range.
#pragma once

#include <cstdint>

#include "koi/base/files.h"
#include "koi/codec/firefly.h"

namespace koi::codec {

// Every weight uniform with a deviation that keeps the signal's size through the layers, gains of
// norms 1, biases 0. Equal on every machine for equal seeds (of which 32 bits count).
void randomize(Firefly& model, uint64_t seed);

// The tensors under their published names, weight norm unfolded, in the published order.
tensor::NamedTensors published_tensors(Firefly& model);

// Writes the codec's checkpoint (a state dict in the published layout, its values in f32 or bf16)
// to `out`, and its config beside it as firefly_gan_vq.yaml, where config_for() finds it. Throws
// Error(io).
void write_codec(Firefly& model, const base::fs::path& out,
                 checkpoint::DType dtype = checkpoint::DType::f32);

// The same of a random codec.
void init_codec(const FireflyConfig& config, uint64_t seed, const base::fs::path& out);

}  // namespace koi::codec
