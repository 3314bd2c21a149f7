#include "cli/flags.h"

#include <cstdio>
#include <exception>
#include <new>

#include "cli/explain.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"

namespace koi::cli {
namespace {

int report(const std::string& line, int status) {
  std::fprintf(stderr, "koi: error: %s\n", line.c_str());
  return status;
}

int guarded(const std::function<int()>& run) {
  try {
    return run();
  } catch (const base::Interrupted& interrupted) {
    return report_interrupted(interrupted.what());
  } catch (const Error& error) {
    return report(error.what(), error.kind() == ErrorKind::usage ? 2 : 1);
  } catch (const std::bad_alloc&) {
    return report(
        "out of memory; close other programs, or use a smaller batch or a shorter maximum length",
        1);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return report(
        printable(explain(error).value_or("internal: " + text.substr(0, text.find('\n')))), 1);
  }
}

}  // namespace

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& summary,
                      const std::string& examples, std::function<int()> run) {
  CLI::App* command = app.add_subcommand(name, summary);
  command->footer("Examples:\n" + examples);
  command->callback([run = std::move(run)] { throw CLI::RuntimeError(guarded(run)); });
  return command;
}

int run_program(CLI::App& app, int argc, char** argv) {
  base::catch_interrupts();
  // CLI11 would only say that a command is required.
  if (argc > 1 && argv[1][0] != '-' &&
      app.get_subcommands([&](CLI::App* command) { return command->check_name(argv[1]); })
          .empty()) {
    return report("no such command: " + printable(argv[1]) + "; koi --help lists them", 2);
  }
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& done) {
    return done.get_exit_code();
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return report(printable(error.what()) + std::string("; see koi --help, or koi COMMAND --help"),
                  2);
  }
  return 0;
}

int report_interrupted(const std::string& line) {
  std::fprintf(stderr, "koi: interrupted: %s\n", line.c_str());
  return base::stop_status();
}

void add_switch(CLI::App* command, const std::string& name, bool& value, const std::string& help) {
  command->add_flag("--" + name + ",!--no-" + name, value, help + (value ? " (on)" : " (off)"));
}

}  // namespace koi::cli
