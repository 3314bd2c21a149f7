#include "koi/check/tree.h"

#include <algorithm>
#include <map>
#include <set>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/base/listing.h"

namespace koi::check {
namespace {

namespace fs = base::fs;

std::string without_extension(fs::path path) { return path.replace_extension().string(); }

// Recordings of one name, and transcripts without a recording.
void compare_names(const std::vector<fs::path>& texts, Tree& tree) {
  std::map<std::string, const fs::path*> names;  // the first recording of each
  for (const fs::path& recording : tree.recordings) {
    const auto [place, is_new] = names.emplace(without_extension(recording), &recording);
    if (is_new) continue;
    tree.findings.push_back({Kind::shared_name, recording,
                             "has the name of " + printable(place->second->filename().string())});
  }
  for (const fs::path& text : texts) {
    if (!names.contains(without_extension(text)))
      tree.findings.push_back({Kind::orphan_transcript, text, "has no recording beside it"});
  }
}

}  // namespace

Tree walk_tree(const fs::path& folder, const std::vector<std::string>& text_extensions) {
  std::set<fs::path> text_names;  // with their dots
  for (const std::string& extension : text_extensions)
    text_names.insert(fs::path("x").replace_extension(extension).extension());
  const base::Listing listing = base::list_entries(folder, [&](const fs::path& path) {
    return audio::is_audio_path(path) || text_names.contains(path.extension());
  });
  Tree tree;
  std::vector<fs::path> texts;
  for (const fs::path& file : listing.files)
    (audio::is_audio_path(file) ? tree.recordings : texts)
        .push_back(file.lexically_relative(folder));
  if (tree.recordings.empty()) {
    throw Error(ErrorKind::not_found, folder.string(), "holds no recordings",
                "give a folder with files that end in one of " + audio::audio_extensions());
  }
  for (const base::OddEntry& entry : listing.odd)
    tree.findings.push_back({Kind::odd_entry, entry.path.lexically_relative(folder), entry.what});
  compare_names(texts, tree);
  std::sort(tree.findings.begin(), tree.findings.end(),
            [](const auto& a, const auto& b) { return base::path_parts_less(a.path, b.path); });
  return tree;
}

}  // namespace koi::check
