// One override of the command line in Hydra's language:
//   a.b=value   changes a key          +a.b=value  adds one         ++a.b=value  does either
//   ~a.b[=value]  removes one          [+]group@package=option      chooses a file of configs/group
// Values: numbers, true, null, words (inner spaces stay), 'quoted' or "quoted" texts, [lists],
// {maps: 1}, ${interpolations}, and the casts int(), float(), bool(), str(). A backslash makes one
// of \()[]{}:=, or a space plain. Source: Hydra 1.3's published grammar.
// Differs: letters outside of ASCII may stand unquoted. Sweeps (a,b, choice(), range(), ...) are
// refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "koi/config/node.h"

namespace koi::config {

enum class OverrideKind { change, add, force_add, remove };

struct Override {
  OverrideKind kind = OverrideKind::change;
  std::string key;                     // "trainer.max_steps", or the group: "lora"
  std::optional<std::string> package;  // behind @
  std::optional<Node> value;           // absent only where `remove` has none
  std::string text;                    // as it was given
};

// Throws Error(config) with the place of what it cannot read.
Override parse_override(std::string_view text);

}  // namespace koi::config
