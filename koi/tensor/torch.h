// The part of libtorch that koi uses, and its only precompiled header: tensors, their functions,
// and custom autograd functions. torch/torch.h is left out on purpose: it costs three times as much
// to compile.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
