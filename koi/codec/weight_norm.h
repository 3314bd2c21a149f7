// Weight norm (Salimans & Kingma 2016) in checkpoints: w = g * v / ||v||, the norm over all
// dimensions but the first. It speeds up training; inference needs w alone.
#pragma once

#include <string>

#include "koi/tensor/parameters.h"

namespace koi::codec {

// The same tensors with g and v of each weight-normed convolution made into its `weight`, at g's
// place: "X.parametrizations.weight.original0" and "...original1", or "X.weight_g" and
// "X.weight_v", become "X.weight" (float32). Others, a folded "X.weight" too, stay as they are.
// Throws Error(corrupt) naming `where` and the key where one of the two is missing or shapes do not
// fit.
checkpoint::StateDict fold_weight_norm(const checkpoint::StateDict& state,
                                       const std::string& where);

// The other way, as checkpoints are published: "X.conv.weight" below "head." becomes original0
// (||w||) and original1 (w). Shares the tensors' bytes.
tensor::NamedTensors unfold_weight_norm(const tensor::NamedTensors& folded);

}  // namespace koi::codec
