#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <istream>
#include <ostream>
#include <utility>

#include "cli/commands.h"
#include "cli/connection.h"

namespace lambari::cli {
namespace {

constexpr const char* kFirstSteps = R"help(First steps:
  lambari start                      in one terminal
  eval "$(lambari env)"              in another: the AWS CLI and SDKs now talk to lambari
  aws lambda list-functions
  lambari logs -f my-function
  lambari run -- sls deploy          a program, old or new, for which AWS is lambari

A command finds the server by --endpoint, AWS_ENDPOINT_URL, or the data directory (LAMBARI_DATA).
Exit codes: 0 done, 1 failed, 2 not understood.)help";

constexpr const char* kStartNotes =
    R"(Each setting can also be the variable LAMBARI_<NAME> (LAMBARI_PORT=5000, LAMBARI_STRICT_RUNTIMES=true) or a line
"name = value" in ~/.config/lambari/lambari.conf. A flag beats a variable, a variable beats the file.

Examples:
  lambari start --port 5000 --data ./cloud        a second cloud beside the first
  lambari start --store memory                    for tests: nothing is kept
  lambari start --address 0.0.0.0                 for other machines; calls must be signed)";

constexpr const char* kClockNotes =
    R"(Advancing makes what waits happen now: retries, timeouts, retention, expiry. It never goes back by itself, and ends with the
process.

Examples:
  lambari clock advance 6h
  lambari clock advance 1d12h
  lambari clock reset)";

constexpr const char* kInvokeNotes = R"(Prints what the function answered. Exit code 1 when the function failed.

Examples:
  lambari invoke hello --payload '{"name": "Ana"}'
  lambari invoke hello --payload-file event.json --log
  echo '{}' | lambari invoke hello --payload-file - | jq .)";

constexpr const char* kLogsNotes = R"(Examples:
  lambari logs hello --since 1h
  lambari logs -f hello --filter ERROR
  lambari logs -f /aws/lambda/hello               any log group, by its name)";

constexpr const char* kRunNotes =
    R"(The program and what it starts reach lambari by AWS's own host names, through a proxy and TLS, whatever their SDK and its age: with
AWS_ENDPOINT_URL, HTTPS_PROXY, and a bundle of certificates that has lambari's (AWS_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE,
NODE_EXTRA_CA_CERTS, a Java trust store). Keys are test/test unless yours are set. Its exit code and signals are its own.

The proxy refuses other hosts unless lambari was started with --proxy any; keep them from it with NO_PROXY.

Examples:
  lambari run -- aws sts get-caller-identity
  lambari run -- sls invoke -f hello
  lambari run -- python old_script.py)";

constexpr const char* kCaNotes =
    R"help(Prints the certificate of lambari's authority, which is made at the first start and is this data directory's own.

Examples:
  lambari ca > lambari-ca.pem
  curl --cacert "$(lambari ca --path)" https://localhost:4566/_lambari/health
  sudo lambari ca --install                       every program of this machine will believe lambari)help";

// Takes from `arguments` what follows `run`: the command, whose own flags are not ours.
std::vector<std::string> take_command(std::vector<std::string>& arguments) {
  auto at = arguments.begin();
  while (at != arguments.end() && at->starts_with("-")) at += *at == "--endpoint" && at + 1 != arguments.end() ? 2 : 1;
  if (at == arguments.end() || *at != "run") return {};
  ++at;
  while (at != arguments.end() && at->starts_with("-") && *at != "--")
    at += *at == "--endpoint" && at + 1 != arguments.end() ? 2 : 1;
  std::vector<std::string> command(at != arguments.end() && *at == "--" ? at + 1 : at, arguments.end());
  arguments.erase(at, arguments.end());
  return command;
}

// One word of what `start` was given that no flag took: becomes a setting's name, so that the hint for it is the settings' own.
std::string flag_name(std::string_view word) {
  while (word.starts_with('-')) word.remove_prefix(1);
  return std::string(word.substr(0, word.find('=')));
}

}  // namespace

int run(std::vector<std::string> arguments, const Program& program, std::istream& in, std::ostream& out, std::ostream& err) {
  Streams io{in, out, err};
  auto to_run = take_command(arguments);
  std::string endpoint;
  std::function<int()> chosen;
  auto connect = [&] { return Connection(find_endpoint(endpoint, program), program.environment); };

  CLI::App app("lambari: a serverless cloud on your machine, spoken to as AWS.", "lambari");
  app.footer(kFirstSteps);
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("-V,--version", "lambari " + program.version);
  app.add_option("--endpoint", endpoint, "the server, when it is not the usual one")->type_name("URL");

  auto command = [&](const std::string& name, const std::string& help) {
    auto* made = app.add_subcommand(name, help);
    made->fallthrough();
    return made;
  };

  Values flags;
  auto* start = command("start", "Run the server in the foreground");
  start->footer(kStartNotes);
  start->allow_extras();
  start->fallthrough(false);
  std::vector<std::string> texts(program.start_flags.size() + 1);
  std::vector<CLI::Option*> options;
  for (std::size_t i = 0; i < program.start_flags.size(); ++i) {
    const auto& flag = program.start_flags[i];
    auto help = flag.help + " [" + flag.fallback + "]";
    options.push_back(flag.values.empty() ? start->add_flag("--" + flag.name, std::as_const(help))
                                          : start->add_option("--" + flag.name, texts[i], help)->type_name(flag.values));
  }
  auto* config = start->add_option("--config", texts.back(), "read settings from this file")->type_name("FILE");
  start->callback([&] {
    for (std::size_t i = 0; i < options.size(); ++i)
      if (options[i]->count() > 0) flags[program.start_flags[i].name] = program.start_flags[i].values.empty() ? "true" : texts[i];
    if (config->count() > 0) flags["config"] = texts.back();
    for (const auto& word : start->remaining())
      if (word.starts_with("-")) flags[flag_name(word)] = "";
    chosen = [&] { return program.start(flags); };
  });

  command("status", "Show where the server runs and what it holds")->callback([&] {
    chosen = [&] {
      auto server = connect();
      return show_status(server, io);
    };
  });
  command("stop", "Stop the server: it finishes what it began, then ends")->callback([&] {
    chosen = [&] {
      auto server = connect();
      return stop_server(server, io);
    };
  });
  bool whole = false;
  auto* env = command("env", "Print the exports that point AWS tools at lambari: eval \"$(lambari env)\"");
  env->add_flag("--all", whole, "all that `lambari run` gives: proxy and certificates too");
  env->callback([&] {
    chosen = [&] {
      auto without = program;
      without.environment.erase("AWS_ENDPOINT_URL");  // may be left from another server
      const auto url = find_endpoint(endpoint, without);
      std::string authority;
      try {
        Connection server(url, program.environment);
        authority = authority_of(server);
      } catch (const CommandError&) {
        if (whole) throw;  // the rest is good without a server
      }
      return show_env(url, authority, whole, program.environment, io);
    };
  });
  auto* run_program = command("run", "Run a program for which AWS is lambari: lambari run -- COMMAND [ARGUMENTS]");
  run_program->footer(kRunNotes);
  run_program->callback([&] {
    chosen = [&] {
      std::string url, authority;
      {  // the program inherits no connection of ours
        auto server = connect();
        url = server.url();
        authority = authority_of(server);
      }
      return run_command(url, authority, to_run, program);
    };
  });
  bool path = false, install = false;
  auto* ca = command("ca", "Print the certificate of lambari's authority, for TLS clients to trust");
  ca->footer(kCaNotes);
  ca->add_flag("--path", path, "print the name of its file instead");
  ca->add_flag("--install", install, "make this machine trust it; without the right to, say how");
  ca->callback([&] {
    chosen = [&] {
      // A running server's, wherever that keeps it; else the one of the data directory.
      std::string pem;
      auto file = program.data / "tls" / "ca.pem";
      try {
        auto server = connect();
        pem = authority_of(server);
        auto status = server.get("status");
        const auto* data = status.if_contains("data");
        if (data && data->is_string() && data->get_string().starts_with("/"))
          file = std::filesystem::path(std::string(std::string_view(data->get_string()))) / "tls" / "ca.pem";
      } catch (const Unreachable&) {
        pem = authority_in(program.data);
      }
      if (install) return install_authority(pem, program.system, io);
      std::error_code none;
      if (path && !std::filesystem::exists(file, none))
        throw CommandError("the server keeps it where this user or machine does not see it; use: lambari ca > FILE");
      out << (path ? file.string() + "\n" : pem);
      return kDone;
    };
  });
  command("doctor", "Say what this machine gives to functions, what it lacks, and the remedy")->callback([&] {
    chosen = [&] {
      try {
        auto server = connect();
        return show_doctor(server.get("doctor"), io);
      } catch (const Unreachable&) {
        err << "(no server is running; looking by myself)\n";
        auto findings = base::parse_json(program.probe());
        if (!findings || !findings->is_object()) throw CommandError("the look around failed");
        return show_doctor(findings->get_object(), io);
      }
    };
  });

  LogsOptions logs;
  auto* logs_command = command("logs", "Show what a function wrote");
  logs_command->footer(kLogsNotes);
  logs_command->add_option("function", logs.function, "its name, or a log group")->required()->type_name("FUNCTION");
  logs_command->add_flag("-f,--follow", logs.follow, "go on with what comes");
  logs_command->add_option("--since", logs.since, "how far back to begin [10m]")->type_name("30s|10m|2h|1d");
  logs_command->add_option("--filter", logs.filter, "a CloudWatch Logs filter pattern")->type_name("PATTERN");
  logs_command->callback([&] {
    chosen = [&] {
      auto server = connect();
      return show_logs(server, logs, io);
    };
  });

  InvokeOptions invocation;
  auto* invoke_command = command("invoke", "Call a function and print its answer");
  invoke_command->footer(kInvokeNotes);
  invoke_command->add_option("function", invocation.function, "name or ARN")->required()->type_name("FUNCTION");
  auto* payload = invoke_command->add_option("--payload", invocation.payload, "the event, JSON [{}]")->type_name("JSON");
  invoke_command->add_option("--payload-file", invocation.payload_file, "the event, from a file; - is standard input")
      ->type_name("FILE")
      ->excludes(payload);
  invoke_command->add_option("--qualifier", invocation.qualifier, "a version or an alias")->type_name("NAME");
  invoke_command->add_flag("--log", invocation.log, "show the end of the log too, on standard error");
  invoke_command->callback([&] {
    chosen = [&] {
      auto server = connect();
      return invoke(server, invocation, io);
    };
  });

  auto* clock = command("clock", "Show or move the time that lambari lives in");
  clock->footer(kClockNotes);
  clock->require_subcommand(1);
  std::string advance_by;
  clock->add_subcommand("now", "Show it")->fallthrough()->callback([&] {
    chosen = [&] {
      auto server = connect();
      return show_clock(server, io);
    };
  });
  auto* advance = clock->add_subcommand("advance", "Move it forward");
  advance->fallthrough();
  advance->add_option("duration", advance_by, "90s, 15m, 6h, 1d12h")->required();
  advance->callback([&] {
    chosen = [&] {
      auto server = connect();
      return move_clock(server, {{"advance", advance_by}}, io);
    };
  });
  clock->add_subcommand("reset", "Back to the machine's time")->fallthrough()->callback([&] {
    chosen = [&] {
      auto server = connect();
      return move_clock(server, {{"reset", true}}, io);
    };
  });

  bool sure = false;
  auto* nuke_command = command("nuke", "Remove every resource of every account");
  nuke_command->add_flag("--yes", sure, "do not ask");
  nuke_command->callback([&] {
    chosen = [&] {
      auto server = connect();
      return nuke(server, sure, program.terminal, io);
    };
  });
  int letters = 20;
  auto* outbox = command("outbox", "Show the email and SMS that stayed here");
  outbox->add_option("--limit", letters, "how many, the latest")->type_name("N");
  outbox->callback([&] {
    chosen = [&] {
      auto server = connect();
      return show_outbox(server, letters, io);
    };
  });
  bool cost_as_json = false;
  auto* cost = command("cost", "Count what AWS would bill");
  cost->add_flag("--json", cost_as_json, "as a JSON document, in the units that were counted");
  cost->callback([&] {
    chosen = [&] {
      auto server = connect();
      return show_cost(server, cost_as_json, io);
    };
  });
  command("version", "Print the version")->callback([&] {
    chosen = [&] {
      out << "lambari " << program.version << '\n';
      return kDone;
    };
  });
  std::string topic;
  auto* help = command("help", "Explain a command");
  help->add_option("command", topic, "which one");
  help->callback([&] {
    chosen = [&] {
      auto named = app.get_subcommands([&](const CLI::App* command) { return command->get_name() == topic; });
      const auto* about = topic.empty() ? &app : named.empty() ? nullptr : named.front();
      if (about == nullptr) throw CommandError("no command is called \"" + topic + "\"; see: lambari help", kUsage);
      out << about->help();
      return kDone;
    };
  });

  auto is_command = [&](const std::string& name) {
    return !app.get_subcommands([&](const CLI::App* each) { return each->get_name() == name; }).empty();
  };
  if (!arguments.empty() && !arguments.front().starts_with('-') && !is_command(arguments.front())) {
    err << "lambari: no command is called \"" << arguments.front() << "\"; see: lambari help\n";
    return kUsage;
  }
  try {
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? kDone : kUsage;
  }
  try {
    return chosen();
  } catch (const CommandError& error) {
    err << "lambari: " << error.what() << '\n';
    return error.exit_code;
  }
}

}  // namespace lambari::cli
