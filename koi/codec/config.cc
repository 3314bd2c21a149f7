#include "koi/codec/config.h"

#include <functional>
#include <map>
#include <numeric>

#include "koi/base/error.h"
#include "koi/config/yaml.h"

namespace koi::codec {
namespace {

// Calls visit(key, member) for each setting of a part: reading, writing and the errors for unknown
// keys all come from these lists.
template <typename Visit>
void fields(SpectrogramConfig& c, Visit visit) {
  visit("sample_rate", c.sample_rate);
  visit("n_mels", c.n_mels);
  visit("n_fft", c.n_fft);
  visit("hop_length", c.hop_length);
  visit("win_length", c.win_length);
}
template <typename Visit>
void fields(BackboneConfig& c, Visit visit) {
  visit("input_channels", c.input_channels);
  visit("depths", c.depths);
  visit("dims", c.dims);
  visit("drop_path_rate", c.drop_path_rate);
  visit("kernel_size", c.kernel_size);
}
template <typename Visit>
void fields(HeadConfig& c, Visit visit) {
  visit("hop_length", c.hop_length);
  visit("upsample_rates", c.upsample_rates);
  visit("upsample_kernel_sizes", c.upsample_kernel_sizes);
  visit("resblock_kernel_sizes", c.resblock_kernel_sizes);
  visit("resblock_dilation_sizes", c.resblock_dilation_sizes);
  visit("num_mels", c.num_mels);
  visit("upsample_initial_channel", c.upsample_initial_channel);
  visit("pre_conv_kernel_size", c.pre_conv_kernel_size);
  visit("post_conv_kernel_size", c.post_conv_kernel_size);
}
template <typename Visit>
void fields(QuantizerConfig& c, Visit visit) {
  visit("input_dim", c.input_dim);
  visit("n_groups", c.n_groups);
  visit("n_codebooks", c.n_codebooks);
  visit("levels", c.levels);
  visit("downsample_factor", c.downsample_factor);
}
// visit(key, class of the reference, part).
template <typename Visit>
void parts(FireflyConfig& c, Visit visit) {
  visit("spec_transform", "fish_speech.utils.spectrogram.LogMelSpectrogram", c.spec_transform);
  visit("backbone", "fish_speech.models.vqgan.modules.firefly.ConvNeXtEncoder", c.backbone);
  visit("head", "fish_speech.models.vqgan.modules.firefly.HiFiGANGenerator", c.head);
  visit("quantizer", "fish_speech.models.vqgan.modules.fsq.DownsampleFiniteScalarQuantize",
        c.quantizer);
}
constexpr char kTarget[] = "_target_";
constexpr char kModelClass[] = "fish_speech.models.vqgan.modules.firefly.FireflyArchitecture";

// Puts `node` into the setting; false where it has another type.
bool take(const config::Node& node, int64_t& value) {
  if (const auto* whole = node.get<int64_t>()) value = *whole;
  return node.get<int64_t>() != nullptr;
}
bool take(const config::Node& node, double& value) {
  if (const auto* whole = node.get<int64_t>()) value = static_cast<double>(*whole);
  if (const auto* real = node.get<double>()) value = *real;
  return node.get<int64_t>() != nullptr || node.get<double>() != nullptr;
}
template <typename T>
bool take(const config::Node& node, std::vector<T>& values) {
  const auto* list = node.get<config::List>();
  if (list == nullptr) return false;
  values.assign(list->size(), T{});
  for (size_t i = 0; i < values.size(); ++i) {
    if (!take((*list)[i], values[i])) return false;
  }
  return true;
}

constexpr std::string_view expected(const int64_t&) { return "a whole number was expected"; }
constexpr std::string_view expected(const double&) { return "a number was expected"; }
template <typename T>
constexpr std::string_view expected(const std::vector<T>&) {
  return "a list of whole numbers was expected";
}
template <typename T>
constexpr std::string_view expected(const std::vector<std::vector<T>>&) {
  return "a list of lists of whole numbers was expected";
}

config::Node text_node(std::string text) {
  config::Node node;
  node.value = std::move(text);
  return node;
}
config::Node to_node(int64_t value) { return config::Node::Value(value); }
config::Node to_node(double value) { return config::Node::Value(value); }
template <typename T>
config::Node to_node(const std::vector<T>& values) {
  config::List list;
  for (const T& value : values) list.push_back(to_node(value));
  return config::Node::Value(std::move(list));
}

[[noreturn]] void fail(const std::string& where, const std::string& key, std::string_view what) {
  throw Error(ErrorKind::config, where + ": " + key, what);
}

// The map's entries by key, without `_target_`.
std::map<std::string, const config::Node*> entries(const config::Node& node,
                                                   const std::string& where) {
  const auto* map = node.get<config::Map>();
  if (map == nullptr) {
    throw Error(ErrorKind::config, where,
                "is " + std::string(node.kind()) + ", a map of settings was expected");
  }
  std::map<std::string, const config::Node*> found;
  for (const auto& [key, value] : map->entries) {
    if (key != kTarget) found.emplace(key, &value);
  }
  return found;
}

void no_more(const std::map<std::string, const config::Node*>& left, const std::string& where) {
  if (!left.empty()) fail(where, left.begin()->first, "no such setting of the codec");
}

int64_t product(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace

int64_t FireflyConfig::codebook_size() const { return product(quantizer.levels); }
int64_t FireflyConfig::frames_per_column() const { return product(quantizer.downsample_factor); }

FireflyConfig full_size_config() { return {}; }

FireflyConfig tiny_config() {
  FireflyConfig config;
  config.backbone.depths = {1, 1, 2, 1};
  config.backbone.dims = {16, 24, 32, 40};
  config.head.num_mels = 40;
  config.head.upsample_initial_channel = 40;
  config.quantizer.input_dim = 40;
  return config;
}

FireflyConfig parse_config(const std::string& yaml, const std::string& where) {
  const config::Node root = config::parse_yaml(yaml, where);
  FireflyConfig config;
  auto sections = entries(root, where);
  parts(config, [&](const std::string& name, const char*, auto& part) {
    const auto section = sections.extract(name);
    if (section.empty()) return;
    const std::string place = where + ": " + name;
    auto settings = entries(*section.mapped(), place);
    fields(part, [&](const std::string& key, auto& value) {
      const auto setting = settings.extract(key);
      if (!setting.empty() && !take(*setting.mapped(), value)) fail(place, key, expected(value));
    });
    no_more(settings, place);
  });
  no_more(sections, where);
  check_config(config, where);
  return config;
}

FireflyConfig read_config(const base::fs::path& path) {
  constexpr uint64_t kMaxBytes = 1 << 20;
  return parse_config(base::read_file(path, kMaxBytes), path.string());
}

std::string config_yaml(const FireflyConfig& config) {
  config::Node root{config::Node::Value(config::Map{})};
  root.set(kTarget, text_node(kModelClass));
  FireflyConfig values = config;
  parts(values, [&](const char* name, const char* type, auto& part) {
    config::Node& section = root.set(name, config::Node::Value(config::Map{}));
    section.set(kTarget, text_node(type));
    fields(part, [&](const char* key, auto& value) { section.set(key, to_node(value)); });
  });
  return config::dump_yaml(root);
}

FireflyConfig config_for(const base::fs::path& checkpoint, const std::string& name) {
  const base::fs::path given = name;
  if (given.extension() == ".yaml" || given.extension() == ".yml") return read_config(given);
  const base::fs::path beside = checkpoint.parent_path() / (name + ".yaml");
  if (base::fs::exists(beside)) return read_config(beside);
  if (name == kConfigName) return full_size_config();
  throw Error(ErrorKind::not_found, beside.string(), "no such codec config",
              "give --config-name firefly_gan_vq (the published size) or the path of a .yaml file");
}

}  // namespace koi::codec
