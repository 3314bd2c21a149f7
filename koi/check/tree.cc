#include "koi/check/tree.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"

namespace koi::check {
namespace {

namespace fs = base::fs;

std::string without_extension(fs::path path) { return path.replace_extension().string(); }

std::string what_it_is(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory:
      return "is a folder, a file was expected";
    case fs::file_type::fifo:
      return "is a pipe, a file was expected";
    case fs::file_type::not_found:
    case fs::file_type::none:
      return "is a link that leads nowhere";
    default:
      return "is no regular file";
  }
}

class Walk {
 public:
  Walk(const fs::path& folder, const std::vector<std::string>& text_extensions) : folder_(folder) {
    for (const std::string& extension : text_extensions)
      text_extensions_.insert(fs::path("x").replace_extension(extension).extension());
  }

  Tree run() {
    open_.push_back({});
    while (!open_.empty()) {
      const fs::path current = std::move(open_.back());
      open_.pop_back();
      list(current);
    }
    if (tree_.recordings.empty()) {
      throw Error(ErrorKind::not_found, folder_.string(), "holds no recordings",
                  "give a folder with files that end in one of " + audio::audio_extensions());
    }
    std::sort(tree_.recordings.begin(), tree_.recordings.end(), base::path_parts_less);
    compare_names();
    std::sort(tree_.findings.begin(), tree_.findings.end(),
              [](const auto& a, const auto& b) { return base::path_parts_less(a.path, b.path); });
    return std::move(tree_);
  }

 private:
  bool is_text(const fs::path& path) const { return text_extensions_.contains(path.extension()); }

  void list(const fs::path& current) {
    std::error_code error;
    fs::directory_iterator entry(folder_ / current, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error))
      take(*entry, current / entry->path().filename());
    if (!error) return;
    const std::string what = "the folder cannot be read: " + error.message();
    if (current.empty()) {
      const bool is_missing =
          error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
      throw Error(is_missing ? ErrorKind::not_found : ErrorKind::io, folder_.string(),
                  is_missing ? "no such folder" : what);
    }
    tree_.findings.push_back({Kind::odd_entry, current, what});
  }

  void take(const fs::directory_entry& entry, const fs::path& path) {
    std::error_code ignored;  // what cannot be looked at is of no type
    const fs::file_type type = entry.status(ignored).type();
    const bool is_folder = type == fs::file_type::directory;
    const bool is_link = entry.is_symlink(ignored);
    const bool counts = audio::is_audio_path(path) || is_text(path);
    if (is_folder && is_link) {
      tree_.findings.push_back(
          {Kind::odd_entry, path, "is a link to a folder, which is not entered"});
    } else if (counts && type != fs::file_type::regular) {
      tree_.findings.push_back({Kind::odd_entry, path, what_it_is(type)});
    } else if (audio::is_audio_path(path) && !is_folder) {
      tree_.recordings.push_back(path);
    } else if (counts && !is_folder) {
      texts_.push_back(path);
    }
    if (is_folder && !is_link) open_.push_back(path);
  }

  void compare_names() {
    std::map<std::string, const fs::path*> names;  // the first recording of each
    for (const fs::path& recording : tree_.recordings) {
      const auto [place, is_new] = names.emplace(without_extension(recording), &recording);
      if (is_new) continue;
      tree_.findings.push_back(
          {Kind::shared_name, recording,
           "has the name of " + printable(place->second->filename().string())});
    }
    for (const fs::path& text : texts_) {
      if (!names.contains(without_extension(text)))
        tree_.findings.push_back({Kind::orphan_transcript, text, "has no recording beside it"});
    }
  }

  const fs::path& folder_;
  std::set<fs::path> text_extensions_;  // with their dots
  std::vector<fs::path> open_;
  std::vector<fs::path> texts_;
  Tree tree_;
};

}  // namespace

Tree walk_tree(const fs::path& folder, const std::vector<std::string>& text_extensions) {
  return Walk(folder, text_extensions).run();
}

}  // namespace koi::check
