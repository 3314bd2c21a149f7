#include "koi/eval/program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/limited_program.h"
#include "koi/base/utf8.h"
#include "koi/dataset/file_list.h"

namespace koi::eval {
namespace {

constexpr size_t kMaxLineBytes = size_t{256} << 10;

// Lines of tabs and line ends must hold no others.
std::string one_field(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}

// A file without a name that holds `bytes`, at its beginning.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes)
      : descriptor_(::memfd_create("koi-requests", MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail();
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno != EINTR) fail();
      if (count > 0) bytes.remove_prefix(static_cast<size_t>(count));
    }
    ::lseek(descriptor_, 0, SEEK_SET);
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  [[noreturn]] static void fail() {
    throw Error(ErrorKind::io, "requests",
                std::string("cannot be written: ") + std::strerror(errno));
  }

  int descriptor_;
};

// What comes from the program, line by line.
class Answers {
 public:
  using Take = std::function<void(size_t request, std::string answer)>;

  Answers(const Program& program, const std::vector<Request>& requests, const Take& take)
      : program_(program), take_(take) {
    for (size_t i = 0; i < requests.size(); ++i)
      if (!requests[i].wav.empty()) open_.emplace(requests[i].name, i);
    asked_ = open_;
  }

  void add(std::string_view bytes) {
    for (;;) {
      const size_t end = bytes.find('\n');
      line_ += bytes.substr(0, end);
      if (line_.size() > kMaxLineBytes)
        fail("wrote a line of more than " + std::to_string(kMaxLineBytes) + " bytes");
      if (end == std::string_view::npos) return;
      take_line();
      bytes.remove_prefix(end + 1);
    }
  }

  void finish() {
    if (!line_.empty()) take_line();
    if (!open_.empty()) {
      fail("ended without an answer for " + open_.begin()->first + ", " +
           std::to_string(open_.size()) + " of " + std::to_string(asked_.size()) + " are missing");
    }
  }

 private:
  void take_line() {
    const std::string line = std::exchange(line_, {});
    if (!base::is_valid_utf8(line)) fail("wrote a line that is no UTF-8: " + line);
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) fail("wrote a line without a tab: " + line);
    const std::string name = line.substr(0, tab);
    if (!asked_.contains(name)) fail("answered for " + name + ", which was not asked");
    const auto request = open_.extract(name);
    if (request.empty()) fail("answered twice for " + name);
    take_(request.mapped(), std::string(dataset::strip_space(line.substr(tab + 1))));
  }

  [[noreturn]] void fail(const std::string& what) const {
    constexpr size_t kMost = 300;  // bytes of its own words
    throw Error(ErrorKind::corrupt, program_.name, what.substr(0, kMost),
                "it must write NAME<tab>ANSWER once for each line that it reads");
  }

  const Program& program_;
  const Take& take_;
  std::map<std::string, size_t> open_, asked_;  // name -> place of the request
  std::string line_;
};

// The last line that the program said, for an error.
std::string last_words(const base::fs::path& log) {
  constexpr std::streamoff kMost = 1000;
  std::ifstream file(log, std::ios::binary | std::ios::ate);
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kMost));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  text.resize(text.find_last_not_of(" \r\n") + 1);
  const size_t end = text.rfind('\n');
  if (end != std::string::npos) text.erase(0, end + 1);
  return text.empty() ? "" : "; its last words: " + text;
}

}  // namespace

void ask(const Program& program, const std::vector<Request>& requests, const AskOptions& options,
         const std::function<void(size_t, std::string)>& take) {
  std::string lines;
  for (const Request& request : requests) {
    lines += one_field(request.name) + '\t' + one_field(request.wav.string()) + '\t' +
             one_field(request.text) + '\n';
  }
  Answers answers(program, requests, take);
  base::write_file(options.log, "");
  const MemoryFile input(lines);
  static_assert(base::kProgramInput == 3);
  const std::vector<std::string> argv{
      "sh",           "-c", R"(exec <&3 3<&- 2>>"$1"; exec sh -c "$2")", "sh", options.log.string(),
      program.command};
  const base::ProgramLimits limits{.memory_bytes = std::numeric_limits<uint64_t>::max(),
                                   .cpu_s = std::numeric_limits<unsigned>::max(),
                                   .wall_s = std::numeric_limits<unsigned>::max(),
                                   .idle_s = options.idle_s,
                                   .file_bytes = std::numeric_limits<uint64_t>::max()};
  base::ProgramEnd end;
  try {
    end = base::run_limited(argv, input.descriptor(), limits,
                            [&](std::string_view bytes) { answers.add(bytes); });
  } catch (const base::Interrupted&) {
    throw base::Interrupted(program.name, "was stopped", "the same command goes on");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    throw Error(ErrorKind::not_found, program.name,
                "cannot be started: " + program.command + last_words(options.log),
                "see its log: " + options.log.string());
  }
  if (end.timed_out) {
    throw Error(ErrorKind::io, program.name,
                "gave no answer for " + std::to_string(options.idle_s) + " s and was ended" +
                    last_words(options.log),
                "give it more time by --timeout, or look into " + options.log.string());
  }
  if (end.status != 0) {
    throw Error(ErrorKind::io, program.name,
                "failed with status " + std::to_string(end.status) + last_words(options.log),
                "see its log: " + options.log.string());
  }
  answers.finish();
}

}  // namespace koi::eval
