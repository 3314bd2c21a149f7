// A configuration out of files and overrides, as Hydra composes it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/config/node.h"

namespace koi::config {

// Where the files come from: the user's folder (if not empty), then those inside the program.
struct Sources {
  base::fs::path folder;
};

struct Composition {
  Node config;  // interpolations kept
  Node hydra;   // the `hydra` key, which is no part of config: run.dir
};

// Reads NAME.yaml (`name` with or without the ending), its `defaults` list in order (`_self_` where
// it stands, else last), then the overrides in order. Throws Error(config) for a file or option
// that is not there (with those that are), an override of an unknown key (with the nearest one), an
// addition of a key that is there; `hydra` keys other than those in the files are refused.
Composition compose(const std::string& name, std::span<const std::string> overrides,
                    const Sources& sources = {});

// One file as it is, without its defaults: "firefly_gan_vq", "lora/r_8_alpha_16".
Node load_file(const std::string& name, const Sources& sources = {});

}  // namespace koi::config
