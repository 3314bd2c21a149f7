// Which parts of the model are adapted.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace koi::lm {

// A target is a group, or the name of a module, in which * stands for any number of characters:
// "layers.*.attention.wqkv". The groups:
//   all         everything in `modules`
//   attention   wqkv and wo of all layers
//   ffn         w1, w2 and w3 of all layers
//   embeddings  embeddings, codebook_embeddings, fast_embeddings
//   output      output (where the embeddings are not tied to it), fast_output
//   slow, fast  all of the slow and of the fast transformer
// ("embeddings" and "output" are groups; "embeddings*" and "output*" are the modules of that name.)

// Those of `modules` that at least one of the targets names. Throws Error(config), with the nearest
// group or name, for a target that names none of them, and where there are no targets.
std::set<std::string> chosen_modules(const std::vector<std::string>& targets,
                                     const std::vector<std::string>& modules);

// The target that names just this module.
std::string target_of(const std::string& module);

}  // namespace koi::lm
