#include "commands/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "commands/commands.h"

namespace bpftally {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

Result<CommandLine> ParseLine(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "bpftally");
  return ParseCommandLine(arguments);
}

Result<Options> Parse(const std::vector<const char*>& arguments) {
  const auto line = ParseLine(arguments);
  if (!line) return std::unexpected(line.error());
  return line->options;
}

std::string CommandOf(const std::vector<const char*>& arguments) {
  const auto line = ParseLine(arguments);
  return line ? std::string(line->command.name) : line.error().message;
}

std::string ErrorOf(const std::vector<const char*>& arguments) {
  const auto line = ParseLine(arguments);
  return line ? "no error" : line.error().message;
}

struct FlagCase {
  std::vector<const char*> arguments;
  std::function<bool(const Options&)> holds;
};

class Flag : public testing::TestWithParam<FlagCase> {};

// Each holds with the flag and not without it, so that no row can be dead.
TEST_P(Flag, TakesEffect) {
  const Result<Options> options = Parse(GetParam().arguments);
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_TRUE(GetParam().holds(*options));
  EXPECT_FALSE(GetParam().holds(*Parse({})));
}

using O = const Options&;
const std::vector<std::string> kTwoAddresses = {"127.0.0.1:1", "[::1]:2"};

INSTANTIATE_TEST_SUITE_P(
    All, Flag,
    testing::Values(
        FlagCase{{"--source=iterator"},
                 [](O o) { return o.reader.source == SourceChoice::kIterator; }},
        FlagCase{{"--source", "syscall"},
                 [](O o) { return o.reader.source == SourceChoice::kSyscall; }},
        FlagCase{{"--run-stats"}, [](O o) { return o.reader.run_stats; }},
        FlagCase{{"--scan-map-entries"}, [](O o) { return o.reader.scan_entries; }},
        FlagCase{{"--replay", "a.yaml"}, [](O o) { return o.replay == "a.yaml"; }},
        FlagCase{{"--config.dir=d", "--config.names=a,b"},
                 [](O o) {
                   return o.programs.directory == "d" &&
                          o.programs.names == std::vector<std::string>{"a", "b"};
                 }},
        FlagCase{{"--config.dir=d", "--config.names=a", "--config.check"},
                 [](O o) { return o.config_check; }},
        FlagCase{{"--programs=a,b"},
                 [](O o) { return o.programs.shipped == std::vector<std::string>{"a", "b"}; }},
        FlagCase{{"--programs=a", "--config.check"}, [](O o) { return o.config_check; }},
        FlagCase{{"--config.strict"}, [](O o) { return o.programs.strict; }},
        FlagCase{{"--config.max-series=5"}, [](O o) { return o.programs.max_series == 5; }},
        FlagCase{{"--btf.path=f"}, [](O o) { return o.programs.btf_path == "f"; }},
        FlagCase{{"--capabilities.keep=none"}, [](O o) { return !o.keep_capabilities.all; }},
        FlagCase{{"--debug"}, [](O o) { return o.debug && o.log_level == "debug"; }},
        FlagCase{{"check", "a.yaml", "b.yaml"},
                 [](O o) { return o.operands == std::vector<std::string>{"a.yaml", "b.yaml"}; }},
        FlagCase{{"check", "--btf.path=f", "a.yaml"},
                 [](O o) { return o.programs.btf_path == "f"; }},
        FlagCase{{"check", "--load", "a.yaml"}, [](O o) { return o.check.load; }},
        FlagCase{{"check", "a.yaml", "--attach"}, [](O o) { return o.check.attach; }},
        FlagCase{{"check", "a.yaml", "--json"}, [](O o) { return o.check.json; }},
        FlagCase{{"--max-objects=7"}, [](O o) { return o.collect.max_objects == 7; }},
        FlagCase{{"--type-labels=number"}, [](O o) { return o.collect.type_labels_as_numbers; }},
        FlagCase{{"--size-metrics=gauge"}, [](O o) { return o.collect.size_metrics_as_gauges; }},
        FlagCase{{"--hide-self"}, [](O o) { return o.collect.hide_self; }},
        FlagCase{{"--compat=bpf-metrics-exporter"}, [](O o) { return o.collect.compat; }},
        FlagCase{{"--collector.program-maps"}, [](O o) { return o.collect.program_maps; }},
        FlagCase{{"--no-collector.maps"},
                 [](O o) { return o.disabled_collectors.contains("maps"); }},
        FlagCase{{"--collector.maps=false"},
                 [](O o) { return o.disabled_collectors.contains("maps"); }},
        FlagCase{{"--poll-interval=500ms"},
                 [](O o) { return o.poll_interval == milliseconds(500); }},
        FlagCase{{"--web.listen-address=127.0.0.1:1", "--web.listen-address", "[::1]:2"},
                 [](O o) { return o.http.listen_addresses == kTwoAddresses; }},
        FlagCase{{"--web.telemetry-path=/m"}, [](O o) { return o.telemetry_path == "/m"; }},
        FlagCase{{"--web.max-requests=3"}, [](O o) { return o.http.max_requests == 3; }},
        FlagCase{{"--web.enable-lifecycle"}, [](O o) { return o.enable_lifecycle; }},
        FlagCase{{"--otlp-grpc", "localhost:4317"},
                 [](O o) { return o.otlp.grpc == "localhost:4317"; }},
        FlagCase{{"--otlp-http=http://localhost:4318"},
                 [](O o) { return o.otlp.http == "http://localhost:4318"; }},
        FlagCase{{"--otlp-interval=10s"}, [](O o) { return o.otlp_interval == seconds(10); }},
        FlagCase{{"--no-prometheus"}, [](O o) { return !o.prometheus; }},
        FlagCase{{"metrics", "--format=openmetrics"},
                 [](O o) { return o.format == TextFormat::kOpenMetrics100; }},
        FlagCase{{"--log.level=debug"}, [](O o) { return o.log_level == "debug"; }},
        FlagCase{{"--log.format=json"}, [](O o) { return o.log_format == LogFormat::kJson; }}));

TEST(CommandLine, DefaultsAreTheDocumentedOnes) {
  const Result<Options> options = Parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(CommandOf({}), "run");
  EXPECT_EQ(options->reader.source, SourceChoice::kAuto);
  EXPECT_EQ(options->poll_interval, seconds(15));
  EXPECT_THAT(options->http.listen_addresses, testing::ElementsAre(":9435"));
  EXPECT_EQ(options->telemetry_path, "/metrics");
  EXPECT_EQ(options->http.max_requests, 40);
  EXPECT_EQ(options->collect.max_objects, 1000);
  EXPECT_THAT(options->disabled_collectors, testing::IsEmpty());
}

TEST(CommandLine, OfTwoSwitchesOfOneCollectorTheLastCounts) {
  EXPECT_TRUE(Parse({"--no-collector.maps", "--collector.maps"})->disabled_collectors.empty());
  EXPECT_FALSE(Parse({"--collector.maps", "--no-collector.maps"})->disabled_collectors.empty());
}

TEST(CommandLine, ASwitchDoesNotSwallowTheCommand) {
  const Result<Options> options = Parse({"--run-stats", "metrics"});
  ASSERT_TRUE(options);
  EXPECT_EQ(CommandOf({"--run-stats", "metrics"}), "metrics");
  EXPECT_TRUE(options->reader.run_stats);
}

TEST(CommandLine, UnknownFlagsSuggestTheNearest) {
  EXPECT_EQ(ErrorOf({"--run-stat"}), "unknown flag --run-stat (did you mean \"--run-stats\"?)");
  EXPECT_EQ(ErrorOf({"--no-collector.map"}),
            "unknown flag --no-collector.map (did you mean \"--no-collector.maps\"?)");
  EXPECT_EQ(ErrorOf({"--x"}), "unknown flag --x");
  EXPECT_EQ(ErrorOf({"-x"}), "unknown flag -x");
  EXPECT_EQ(ErrorOf({"--zzzzzzzzzzzzzzz=1"}), "unknown flag --zzzzzzzzzzzzzzz");
}

TEST(CommandLine, EveryFindingIsReported) {
  const std::string error = ErrorOf({"--surce=auto", "--max-objects=many", "--log.level=inof"});
  EXPECT_THAT(error, HasSubstr("--surce (did you mean \"--source\"?)"));
  EXPECT_THAT(error, HasSubstr("--max-objects: \"many\""));
  EXPECT_THAT(error, HasSubstr("--log.level: \"inof\""));
}

TEST(CommandLine, BadValuesNameTheFlagAndWhatWasExpected) {
  EXPECT_EQ(
      ErrorOf({"--source=itrator"}),
      "--source: \"itrator\" is none of auto, iterator, syscall (did you mean \"iterator\"?)");
  EXPECT_THAT(ErrorOf({"--max-objects=-1"}), HasSubstr("not a whole number"));
  EXPECT_THAT(ErrorOf({"--max-objects=1x"}), HasSubstr("not a whole number"));
  EXPECT_THAT(ErrorOf({"--web.max-requests=99999999999"}), HasSubstr("at most 4294967295"));
  EXPECT_EQ(ErrorOf({"--run-stats=yes"}), "--run-stats: \"yes\" is none of true, false");
  EXPECT_THAT(ErrorOf({"--poll-interval=15"}),
              HasSubstr("--poll-interval: \"15\" is not a duration"));
  EXPECT_THAT(ErrorOf({"--web.telemetry-path=metrics"}), HasSubstr("not a path"));
  EXPECT_THAT(ErrorOf({"--web.telemetry-path=/-/ready"}), HasSubstr("served already"));
  EXPECT_THAT(ErrorOf({"--otlp-grpc="}), HasSubstr("an address is missing"));
  EXPECT_THAT(ErrorOf({"--otlp-http="}), HasSubstr("a URL is missing"));
  EXPECT_THAT(ErrorOf({"--otlp-interval=10"}), HasSubstr("not a duration"));
  EXPECT_THAT(ErrorOf({"--otlp-interval=99ms"}), HasSubstr("at least 100ms"));
  EXPECT_THAT(ErrorOf({"--replay"}), HasSubstr("replay"));
  EXPECT_THAT(ErrorOf({"--replay="}), HasSubstr("name of a file"));
}

TEST(CommandLine, AnUnknownCommandSuggestsTheNearest) {
  EXPECT_THAT(ErrorOf({"metric"}),
              HasSubstr("unknown command \"metric\" (did you mean \"metrics\"?)"));
  EXPECT_EQ(ErrorOf({"dump", "more"}), "unexpected argument \"more\"");
}

TEST(CommandLine, MetricProgramsNeedAFolderAndNames) {
  EXPECT_THAT(ErrorOf({"--config.names=a"}), HasSubstr("--config.names needs --config.dir"));
  EXPECT_THAT(ErrorOf({"--config.check"}), HasSubstr("--config.check needs"));
  EXPECT_THAT(ErrorOf({"--config.dir=d", "--config.names=a,b,a"}),
              HasSubstr("\"a\" is there twice"));
  EXPECT_THAT(ErrorOf({"--config.dir=d", "--config.names=a,,b"}), HasSubstr("an empty name"));
  EXPECT_THAT(ErrorOf({"--capabilities.keep=cap_bfp"}), HasSubstr("--capabilities.keep"));
}

TEST(CommandLine, OnlyCheckTakesFiles) {
  EXPECT_THAT(ErrorOf({"check"}), HasSubstr("needs the name of a file"));
  EXPECT_EQ(ErrorOf({"run", "a.yaml"}), "unexpected argument \"a.yaml\"");
  EXPECT_THAT(ErrorOf({"check", "a.yaml", "--lode"}), HasSubstr("unknown flag --lode"));
}

TEST(CommandLine, AFileMayHaveACommaInItsName) {
  EXPECT_THAT(Parse({"check", "a,b.yaml"})->operands, testing::ElementsAre("a,b.yaml"));
}

TEST(CommandLine, EveryCommandIsFoundByItsName) {
  for (const Command& command : AllCommands()) {
    if (command.operands.empty()) {
      EXPECT_EQ(CommandOf({command.name.data()}), command.name);
    }
    EXPECT_TRUE(command.run) << command.name;
  }
  EXPECT_EQ(CommandOf({"check", "a.yaml"}), "check");
  EXPECT_EQ(CommandOf({"help"}), "help");
}

TEST(CommandLine, HelpAndVersionAreOptionsToo) {
  for (const char* option : {"--help", "-h"}) {
    EXPECT_EQ(CommandOf({option}), "help");
    EXPECT_THAT(Parse({option})->operands, testing::IsEmpty());
    EXPECT_EQ(CommandOf({"dump", option}), "help");
    EXPECT_THAT(Parse({"dump", option})->operands, testing::ElementsAre("dump"));
    EXPECT_THAT(Parse({option, "check", "a.yaml"})->operands, testing::ElementsAre("check"));
  }
  EXPECT_EQ(CommandOf({"check", "--help"}), "help") << "although it lacks its file";
  EXPECT_EQ(CommandOf({"--version"}), "version");
}

TEST(CommandLine, HelpTakesOneCommandThatThereIs) {
  EXPECT_THAT(Parse({"help", "check"})->operands, testing::ElementsAre("check"));
  EXPECT_THAT(ErrorOf({"help", "chek"}), HasSubstr("did you mean \"check\"?"));
  EXPECT_THAT(ErrorOf({"help", "check", "run"}), HasSubstr("help takes one command"));
}

TEST(CommandLine, AnOptionOfAnotherCommandNamesItsOwner) {
  EXPECT_EQ(ErrorOf({"--json"}), "unknown flag --json for the command run: it is for check");
  EXPECT_EQ(ErrorOf({"dump", "--max-objects=1"}),
            "unknown flag --max-objects for the command dump: it is for run, metrics");
  EXPECT_THAT(ErrorOf({"metrics", "--poll-interval=1s"}), HasSubstr("it is for run"));
  EXPECT_THAT(ErrorOf({"check", "a.yaml", "--replay=f"}), HasSubstr("it is for run, metrics"));
}

TEST(CommandLine, TheNearestOptionMayBeAnotherCommands) {
  EXPECT_EQ(ErrorOf({"dump", "--run-stat"}),
            "unknown flag --run-stat (did you mean \"--run-stats\"?)");
  EXPECT_EQ(ErrorOf({"dump", "--poll-intervall"}),
            "unknown flag --poll-intervall (did you mean \"--poll-interval\"?)");
}

TEST(CommandLine, OptionsOfAnUnknownCommandAreNotJudged) {
  EXPECT_THAT(
      ErrorOf({"metric", "--format=text"}),
      testing::AllOf(HasSubstr("unknown command \"metric\""), testing::Not(HasSubstr("--format"))));
}

// Whatever the row: a value with something behind it is refused, not cut.
TEST(CommandLine, NoOptionTakesAValueFollowedByRubbish) {
  const auto values = [](const OptionDescription& option) -> std::vector<std::string> {
    if (option.argument == "N")
      return {"1,5", "10x", "1.5", "1e3", "0x10", "+1", " 1", "1 ", "-1", ""};
    if (option.argument == "DURATION")
      return {"1,5s", "10sx", "10", "1s,", "-1s", " 1s", "1s ", "nans", "infs", ""};
    if (option.argument.empty()) return {"truex", "true,false", "1", " true", "yes"};
    if (option.argument.find('|') != std::string::npos && !option.argument.contains("NAME"))
      return {option.argument, option.argument.substr(0, option.argument.find('|')) + "x", ""};
    return {};
  };
  size_t refused = 0;
  for (const OptionDescription& option : DescribeOptions()) {
    const std::string name =
        option.name.substr(option.name.rfind('-', option.name.find("--") + 1) - 1);
    for (const std::string& value : values(option)) {
      const std::string given = name + "=" + value;
      EXPECT_THAT(ErrorOf({option.commands.front().c_str(), given.c_str()}), HasSubstr(name + ": "))
          << given;
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(Help, OfAllHasEverySectionCommandAndOption) {
  const std::string help = HelpText();
  for (const OptionDescription& option : DescribeOptions()) {
    EXPECT_THAT(help, HasSubstr(option.name));
    EXPECT_THAT(help, HasSubstr(option.section + " options:"));
  }
  for (const Command& command : AllCommands())
    EXPECT_THAT(help, HasSubstr("\n  " + std::string(command.name) + " "));
}

TEST(Help, OfOneCommandHasItsOptionsOnly) {
  const std::string help = HelpText("check");
  for (const char* part : {"bpftally check FILE… [FLAGS]", "--load ", "--btf.path ", "--help "})
    EXPECT_THAT(help, HasSubstr(part));
  for (const char* part : {"--replay", "--web.", "--format", "--no-collector", "Serving"})
    EXPECT_THAT(help, testing::Not(HasSubstr(part)));
  EXPECT_EQ(HelpText("chek"), "");
}

const OptionDescription& Described(const std::vector<OptionDescription>& all, const char* name) {
  return *std::ranges::find(all, name, &OptionDescription::name);
}

TEST(Descriptions, SayDefaultArgumentSectionAndCommands) {
  const auto all = DescribeOptions();
  const OptionDescription& interval = Described(all, "--poll-interval");
  EXPECT_EQ(interval.argument, "DURATION");
  EXPECT_EQ(interval.default_value, "15s");
  EXPECT_EQ(interval.section, "Serving");
  EXPECT_THAT(interval.commands, testing::ElementsAre("run"));
  EXPECT_THAT(Described(all, "--source").commands, testing::ElementsAre("run", "metrics", "dump"));
  EXPECT_THAT(Described(all, "-h, --help").commands, testing::SizeIs(AllCommands().size()));
  EXPECT_EQ(all.back().section, "General");
}

TEST(Descriptions, HaveEachOptionOnce) {
  std::vector<std::string> names;
  for (const OptionDescription& option : DescribeOptions()) names.push_back(option.name);
  const size_t all = names.size();
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  EXPECT_EQ(names.size(), all);
}

}  // namespace
}  // namespace bpftally
