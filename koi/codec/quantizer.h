// Features to codes and back: strided convolutions, grouped residual FSQ, transposed convolutions.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "koi/codec/config.h"
#include "koi/codec/fsq.h"
#include "koi/codec/layers.h"

namespace koi::codec {

class Quantizer {
 public:
  explicit Quantizer(const QuantizerConfig& config);

  // float [B, D, F] -> int64 codes [B, K, T], T = F divided by each factor, rounded up each time.
  // Row k is residual step k % R of group k / R, group g is channels [g D/G, (g + 1) D/G). Traces
  // "latent" [B, D, T], and [B, G, T, n]: "fsq_projected", "fsq_bound1", "fsq_prerounding" (the
  // last: of the first residual step).
  at::Tensor encode(const at::Tensor& features, const Trace& trace = {}) const;

  // int64 codes [B, K, T], all within 0 .. size-1 -> float [B, D, T * the factors' product]. Traces
  // "zq" [B, D, T].
  at::Tensor decode(const at::Tensor& codes, const Trace& trace = {}) const;

  void visit(const std::string& prefix, const tensor::ParameterVisitor& visitor);

  const Fsq& fsq() const { return fsq_; }
  // Frames to the left of its own that a code column of encode sees.
  int64_t encode_context() const;
  // Code columns to the left that the `outputs` last outputs of decode see.
  int64_t decode_context(int64_t outputs) const;

  // The last part of encode: float [B, D, T] -> int64 codes [B, K, T].
  at::Tensor latent_to_codes(const at::Tensor& latent, const Trace& trace = {}) const;
  // Training's way through the quantizer. `features` [B, D, T], what decode's upsampling is given,
  // stands on bounded values drawn towards their levels by `fade`: 0 not at all, 1 right onto them,
  // where features equal those of latent_to_codes' codes bit for bit. Gradients pass the rounding
  // unchanged (the straight-through estimator), so that project_in and what lies before it are
  // trained. Source: Mentzer et al. 2023, section 3. Differs: they round from the first step on.
  struct Soft {
    at::Tensor features;
    at::Tensor projected;  // what FSQ is given, [B, T, G n]
  };
  Soft quantise_softly(const at::Tensor& latent, double fade) const;

  // Makes what FSQ is given, for latents that gave `projected`, of mean 0 and `deviation` in each
  // digit. Groups without projections stay as they are.
  void spread_inputs(const at::Tensor& projected, double deviation);

  // The two halves of decode that the CPU's path shares: int64 codes [B, K, T] -> what the groups'
  // digits stand for, float [B, T, G n], and the projection of all groups in one, weight [D, G n]
  // and bias [D].
  at::Tensor dequantise(const at::Tensor& codes) const;
  struct Projection {
    at::Tensor weight, bias;
  };
  Projection joint_projection() const;

  std::vector<std::pair<Conv, ConvNeXtBlock>> downsample;
  std::vector<std::pair<TransposedConv, ConvNeXtBlock>> upsample;

 private:
  struct GroupProjection {  // [out, in], [out]; undefined where a group is as wide as FSQ's digits
    at::Tensor weight, bias;
    at::Tensor forward(const at::Tensor& x) const;
    void visit(const std::string& prefix, const tensor::ParameterVisitor& visitor);
  };
  struct Group {
    GroupProjection project_in, project_out;
  };
  at::Tensor codes_to_latent(const at::Tensor& codes) const;

  QuantizerConfig config_;
  Fsq fsq_;
  std::vector<at::Tensor> scales_;  // of the residual steps, [n]
  std::vector<Group> groups_;
};

}  // namespace koi::codec
