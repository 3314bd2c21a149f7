#include "koi/config/compose.h"

#include <algorithm>
#include <set>

#include "koi/base/error.h"
#include "koi/config/embedded.h"
#include "koi/config/override.h"
#include "koi/config/scalar.h"
#include "koi/config/update.h"
#include "koi/config/yaml.h"

namespace koi::config {
namespace {

constexpr int kMaxDepth = 16;  // of defaults lists that name each other

std::string with_ending(const std::string& name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") ? name : name + ".yaml";
}

// All files' names without their ending, sorted: "base", "lora/r_8_alpha_16".
std::set<std::string> known_files(const Sources& sources) {
  std::set<std::string> names;
  for (const EmbeddedFile& file : embedded_files()) {
    names.emplace(file.name.substr(0, file.name.rfind('.')));
  }
  if (sources.folder.empty()) return names;
  const auto is_yaml = [](const auto& path) { return path.extension() == ".yaml"; };
  for (const auto& path : base::list_files(sources.folder, is_yaml)) {
    names.insert(path.lexically_relative(sources.folder).replace_extension().generic_string());
  }
  return names;
}

std::string group_of(const std::string& file) {
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, slash);
}

[[noreturn]] void fail_no_file(const std::string& name, const Sources& sources) {
  std::string there;
  for (const std::string& file : known_files(sources)) {
    if (group_of(file) == group_of(name)) there += (there.empty() ? "" : ", ") + file;
  }
  throw Error(ErrorKind::config, name, "there is no such configuration",
              there.empty() ? "" : "there are " + there);
}

// One entry of a defaults list.
struct Choice {
  std::string group;    // "lora"; empty for a file beside the primary one
  std::string package;  // where it goes; empty: the root
  std::string option;   // file in the group
  bool self = false;    // the content `own` of the file that holds the list
  Node own;

  std::string file() const { return group.empty() ? option : group + "/" + option; }
};

std::string default_package(std::string group) {
  std::replace(group.begin(), group.end(), '/', '.');
  return group;
}

Choice group_choice(const std::string& key, const std::string& option) {
  const size_t at = key.find('@');
  const std::string group = key.substr(0, at);
  return {.group = group,
          .package = at == std::string::npos ? default_package(group) : key.substr(at + 1),
          .option = option,
          .self = false,
          .own = {}};
}

class Defaults {
 public:
  explicit Defaults(const Sources& sources) : sources_(sources), files_(known_files(sources)) {}

  bool is_group(const std::string& key) const {
    return std::any_of(files_.begin(), files_.end(),
                       [&](const std::string& file) { return group_of(file) == key; });
  }

  // Lists the file's defaults and itself, depth first.
  void expand(const std::string& name, int depth) {
    if (depth > kMaxDepth) {
      throw Error(ErrorKind::config, name, "its defaults lists lead in a circle");
    }
    Node content = load_file(name, sources_);
    if (content.get<Map>() == nullptr) {
      throw Error(ErrorKind::config, name,
                  "a map was expected, found a " + std::string(content.kind()));
    }
    const Node* found = content.child("defaults");
    const Node defaults = found ? *found : Node(List{});
    content.erase("defaults");
    const auto* items = defaults.get<List>();
    if (items == nullptr) throw Error(ErrorKind::config, name, "`defaults` must be a list");
    const Choice self{.group = {}, .package = {}, .option = name, .self = true, .own = content};
    bool has_self = false;
    for (const Node& item : *items) {
      const auto* word = item.get<std::string>();
      if (word && *word == "_self_") {
        choices_.push_back(self);
        has_self = true;
      } else if (word) {
        expand(*word, depth + 1);
      } else {
        add_group_item(item, name);
      }
    }
    if (!has_self) choices_.push_back(self);
  }

  // An override that names a group; throws where it does not fit to the list.
  void apply(const Override& override) {
    const Choice wanted = group_choice(
        override.key + (override.package ? "@" + *override.package : ""), option_of(override));
    const auto old = std::find_if(choices_.begin(), choices_.end(), [&](const Choice& choice) {
      return !choice.self && choice.group == wanted.group && choice.package == wanted.package;
    });
    const bool there = old != choices_.end();
    const bool adds =
        override.kind == OverrideKind::add || override.kind == OverrideKind::force_add;
    if (!there && !adds) {
      throw Error(ErrorKind::config, "override " + override.text,
                  "no group of this name is in the defaults list",
                  override.kind == OverrideKind::change ? "add it with +" + override.text : "");
    }
    if (there && override.kind == OverrideKind::add) {
      throw Error(ErrorKind::config, "override " + override.text,
                  "the defaults list already has this group",
                  "leave out the + to choose another option");
    }
    if (override.kind == OverrideKind::remove) {
      choices_.erase(old);
    } else if (there) {
      old->option = wanted.option;
    } else {
      choices_.push_back(wanted);
    }
  }

  Node merged() const {
    Node root(Map{});
    for (const Choice& choice : choices_) {
      const Node content = choice.self ? choice.own : load_file(choice.file(), sources_);
      Node* place = &root;
      for (const std::string& part : split_path(choice.package)) {
        Node* next = place->child(part);
        if (next == nullptr) next = &place->set(part, Node(Map{}));
        if (next->get<Map>() == nullptr) *next = Node(Map{});
        place = next;
      }
      merge(*place, content);
    }
    return root;
  }

 private:
  static std::string option_of(const Override& override) {
    if (!override.value) return {};
    if (override.value->get<List>() || override.value->get<Map>()) {
      throw Error(ErrorKind::config, "override " + override.text, "one option was expected");
    }
    return python_text(*override.value, override.text);
  }

  void add_group_item(const Node& item, const std::string& name) {
    const auto* map = item.get<Map>();
    if (map == nullptr || map->entries.size() != 1 ||
        map->entries[0].first.find(' ') != std::string::npos) {
      throw Error(ErrorKind::config, name,
                  "an item of `defaults` must be a file name, _self_, or `group: option`");
    }
    const auto& [key, option] = map->entries[0];
    choices_.push_back(group_choice(key, python_text(option, name)));
  }

  const Sources& sources_;
  std::set<std::string> files_;
  std::vector<Choice> choices_;
};

}  // namespace

Node load_file(const std::string& name, const Sources& sources) {
  const std::string file = with_ending(name);
  if (!sources.folder.empty()) {
    const auto path = sources.folder / file;
    if (base::fs::exists(path)) return parse_yaml(base::read_file(path, 1 << 20), path.string());
  }
  for (const EmbeddedFile& embedded : embedded_files()) {
    if (embedded.name == file) return parse_yaml(embedded.text, "configs/" + file);
  }
  fail_no_file(name, sources);
}

Composition compose(const std::string& name, std::span<const std::string> overrides,
                    const Sources& sources) {
  std::vector<Override> changes;
  Defaults defaults(sources);
  defaults.expand(name, 0);
  for (const std::string& text : overrides) {
    Override override = parse_override(text);
    if (override.package || defaults.is_group(override.key)) {
      defaults.apply(override);
    } else {
      changes.push_back(std::move(override));
    }
  }
  Composition result{.config = defaults.merged(), .hydra = Node(Map{})};
  for (const Override& change : changes) apply_override(result.config, change);
  if (const Node* hydra = result.config.child("hydra")) result.hydra = *hydra;
  result.config.erase("hydra");
  return result;
}

}  // namespace koi::config
