#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/describe_file.h"
#include "cli/flags.h"
#include "koi/base/error.h"

namespace koi::cli {
namespace {

using checkpoint::Description;
using checkpoint::Fact;
using Json = nlohmann::ordered_json;

struct Options {
  std::string file;
  bool json = false;
  size_t limit = 0;
};

Json value_of(const Fact& fact) {
  return std::visit([](const auto& value) { return Json(value); }, fact.value);
}

std::string text_of(const Fact& fact) {
  const auto* text = std::get_if<std::string>(&fact.value);
  return text != nullptr ? printable(*text) : value_of(fact).dump();
}

void print_json(const Description& description, size_t listed) {
  Json out = {{"kind", description.kind}};
  for (const Fact& fact : description.facts) out[fact.name] = value_of(fact);
  Json& parts = out["parts"] = Json::array();
  for (size_t i = 0; i < listed; ++i) {
    Json part = {{"name", description.parts[i].name}};
    for (const Fact& fact : description.parts[i].facts) part[fact.name] = value_of(fact);
    parts.push_back(std::move(part));
  }
  std::puts(out.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_text(const Description& description, size_t listed) {
  std::printf("%s\n", description.kind.c_str());
  for (const Fact& fact : description.facts)
    std::printf("  %-16s %s\n", printable(fact.name).c_str(), text_of(fact).c_str());
  for (size_t i = 0; i < listed; ++i) {
    const Description::Part& part = description.parts[i];
    std::printf("%s", printable(part.name).c_str());
    for (const Fact& fact : part.facts)
      std::printf("  %s %s", fact.name.c_str(), text_of(fact).c_str());
    std::printf("\n");
  }
  if (listed < description.parts.size())
    std::printf("and %zu more\n", description.parts.size() - listed);
}

int run(const Options& options) {
  const Description description = describe_file(options.file);
  const size_t all = description.parts.size();
  const size_t listed = options.limit == 0 ? all : std::min(options.limit, all);
  options.json ? print_json(description, listed) : print_text(description, listed);
  return 0;
}

}  // namespace

void add_inspect(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, "inspect", "Show what is in a checkpoint, an array, a shard, a tokenizer or a recording",
      "  koi inspect checkpoints/fish-speech-1.4/model.pth --limit 10\n"
      "  koi inspect results/voice/checkpoints/step_000000100.ckpt --json\n"
      "  koi inspect data/spk1/a.npy",
      [options] { return run(*options); });
  command
      ->add_option("FILE", options->file,
                   ".pth, .ckpt, .safetensors, .npy, .protos, tokenizer.json or audio file, or a "
                   "checkpoint folder")
      ->required();
  command->add_flag("--json", options->json, "print one JSON object");
  command
      ->add_option("--limit", options->limit, "list at most N tensors, records or tokens (0: all)")
      ->capture_default_str();
}

}  // namespace koi::cli
