#include "koi/base/listing.h"

#include <algorithm>
#include <system_error>

#include "koi/base/error.h"

namespace koi::base {
namespace {

std::string what_it_is(fs::file_type type) {
  switch (type) {
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
  Walk(const fs::path& folder, const std::function<bool(const fs::path&)>& accept, bool recursive)
      : accept_(accept), recursive_(recursive), open_folders_{folder} {}

  Listing run() {
    const fs::path root = open_folders_.back();
    while (!open_folders_.empty()) {
      const fs::path current = std::move(open_folders_.back());
      open_folders_.pop_back();
      std::error_code error;
      fs::directory_iterator entry(current, error);
      for (; !error && entry != fs::directory_iterator(); entry.increment(error)) take(*entry);
      if (error) fail(current, root, error);
    }
    std::sort(listing_.files.begin(), listing_.files.end(), path_parts_less);
    std::sort(listing_.odd.begin(), listing_.odd.end(),
              [](const auto& a, const auto& b) { return path_parts_less(a.path, b.path); });
    return std::move(listing_);
  }

 private:
  void take(const fs::directory_entry& entry) {
    std::error_code ignored;  // what cannot be looked at is of no type
    // The first two are known from the folder; status() asks for the file itself.
    if (!entry.is_directory(ignored)) {
      if (!accept_(entry.path())) return;
      if (entry.is_regular_file(ignored)) {
        listing_.files.push_back(entry.path());
      } else {
        odd(OddEntry::Kind::no_file, entry.path(), what_it_is(entry.status(ignored).type()));
      }
    } else if (entry.is_symlink(ignored)) {
      if (recursive_) {
        odd(OddEntry::Kind::folder_link, entry.path(),
            "is a link to a folder, which is not entered");
      }
    } else {
      if (accept_(entry.path()))
        odd(OddEntry::Kind::folder, entry.path(), "is a folder, a file was expected");
      if (recursive_) open_folders_.push_back(entry.path());
    }
  }

  void odd(OddEntry::Kind kind, const fs::path& path, std::string what) {
    listing_.odd.push_back({kind, path, std::move(what)});
  }

  void fail(const fs::path& folder, const fs::path& root, const std::error_code& error) {
    const std::string what = "the folder cannot be read: " + error.message();
    if (folder != root) {
      odd(OddEntry::Kind::closed_folder, folder, what);
      return;
    }
    const bool missing =
        error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
    throw Error(missing ? ErrorKind::not_found : ErrorKind::io, folder.string(),
                missing ? "no such folder" : what);
  }

  const std::function<bool(const fs::path&)>& accept_;
  bool recursive_;
  std::vector<fs::path> open_folders_;
  Listing listing_;
};

}  // namespace

Listing list_entries(const fs::path& folder, const std::function<bool(const fs::path&)>& accept,
                     bool recursive) {
  return Walk(folder, accept, recursive).run();
}

fs::path find_file(const fs::path& path, const std::vector<fs::path>& folders) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return path;
  for (const fs::path& folder : folders) {
    if (fs::is_regular_file(folder / path, ignored)) return folder / path;
  }
  return {};
}

}  // namespace koi::base
