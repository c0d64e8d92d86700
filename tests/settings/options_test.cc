#include "settings/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace bpftally {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

Result<Options> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "bpftally");
  return ParseOptions(arguments);
}

std::string ErrorOf(const std::vector<const char*>& arguments) {
  const Result<Options> options = Parse(arguments);
  return options ? "no error" : options.error().message;
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
        FlagCase{{"dump"}, [](O o) { return o.command == Command::kDump; }},
        FlagCase{{"metrics"}, [](O o) { return o.command == Command::kMetrics; }},
        FlagCase{{"--help"}, [](O o) { return o.command == Command::kHelp; }},
        FlagCase{{"-h"}, [](O o) { return o.command == Command::kHelp; }},
        FlagCase{{"dump", "--help"}, [](O o) { return o.command == Command::kHelp; }},
        FlagCase{{"--version"}, [](O o) { return o.command == Command::kVersion; }},
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
        FlagCase{{"programs"}, [](O o) { return o.command == Command::kPrograms; }},
        FlagCase{{"--programs=a,b"},
                 [](O o) { return o.programs.shipped == std::vector<std::string>{"a", "b"}; }},
        FlagCase{{"--programs=a", "--config.check"}, [](O o) { return o.config_check; }},
        FlagCase{{"--config.strict"}, [](O o) { return o.programs.strict; }},
        FlagCase{{"--config.max-series=5"}, [](O o) { return o.programs.max_series == 5; }},
        FlagCase{{"--btf.path=f"}, [](O o) { return o.programs.btf_path == "f"; }},
        FlagCase{{"--capabilities.keep=none"}, [](O o) { return !o.keep_capabilities.all; }},
        FlagCase{{"--debug"}, [](O o) { return o.debug && o.log_level == "debug"; }},
        FlagCase{{"check", "a.yaml", "b.yaml"},
                 [](O o) {
                   return o.command == Command::kCheck &&
                          o.check.files == std::vector<std::string>{"a.yaml", "b.yaml"};
                 }},
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
        FlagCase{{"--otlp-grpc", "localhost:4317"},
                 [](O o) { return o.otlp.grpc == "localhost:4317"; }},
        FlagCase{{"--otlp-http=http://localhost:4318"},
                 [](O o) { return o.otlp.http == "http://localhost:4318"; }},
        FlagCase{{"--otlp-interval=10s"}, [](O o) { return o.otlp_interval == seconds(10); }},
        FlagCase{{"--no-prometheus"}, [](O o) { return !o.prometheus; }},
        FlagCase{{"--format=openmetrics"},
                 [](O o) { return o.format == TextFormat::kOpenMetrics100; }},
        FlagCase{{"--log.level=debug"}, [](O o) { return o.log_level == "debug"; }},
        FlagCase{{"--log.format=json"}, [](O o) { return o.log_format == LogFormat::kJson; }}));

TEST(Options, DefaultsAreTheDocumentedOnes) {
  const Result<Options> options = Parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->command, Command::kRun);
  EXPECT_EQ(options->reader.source, SourceChoice::kAuto);
  EXPECT_EQ(options->poll_interval, seconds(15));
  EXPECT_THAT(options->http.listen_addresses, testing::ElementsAre(":9435"));
  EXPECT_EQ(options->telemetry_path, "/metrics");
  EXPECT_EQ(options->http.max_requests, 40);
  EXPECT_EQ(options->collect.max_objects, 1000);
  EXPECT_THAT(options->disabled_collectors, testing::IsEmpty());
}

TEST(Options, OfTwoSwitchesOfOneCollectorTheLastCounts) {
  EXPECT_TRUE(Parse({"--no-collector.maps", "--collector.maps"})->disabled_collectors.empty());
  EXPECT_FALSE(Parse({"--collector.maps", "--no-collector.maps"})->disabled_collectors.empty());
}

TEST(Options, ASwitchDoesNotSwallowTheCommand) {
  const Result<Options> options = Parse({"--run-stats", "metrics"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->command, Command::kMetrics);
  EXPECT_TRUE(options->reader.run_stats);
}

TEST(Options, UnknownFlagsSuggestTheNearest) {
  EXPECT_EQ(ErrorOf({"--run-stat"}), "unknown flag --run-stat (did you mean \"--run-stats\"?)");
  EXPECT_EQ(ErrorOf({"--no-collector.map"}),
            "unknown flag --no-collector.map (did you mean \"--no-collector.maps\"?)");
  EXPECT_EQ(ErrorOf({"--x"}), "unknown flag --x");
  EXPECT_EQ(ErrorOf({"-x"}), "unknown flag -x");
  EXPECT_EQ(ErrorOf({"--zzzzzzzzzzzzzzz=1"}), "unknown flag --zzzzzzzzzzzzzzz");
}

TEST(Options, EveryFindingIsTold) {
  const std::string error = ErrorOf({"--surce=auto", "--max-objects=many", "--log.level=inof"});
  EXPECT_THAT(error, HasSubstr("--surce (did you mean \"--source\"?)"));
  EXPECT_THAT(error, HasSubstr("--max-objects: \"many\""));
  EXPECT_THAT(error, HasSubstr("--log.level: \"inof\""));
}

TEST(Options, BadValuesNameTheFlagAndWhatWasExpected) {
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

TEST(Options, AnUnknownCommandSuggestsTheNearest) {
  EXPECT_THAT(ErrorOf({"metric"}),
              HasSubstr("unknown command \"metric\" (did you mean \"metrics\"?)"));
  EXPECT_EQ(ErrorOf({"dump", "more"}), "unexpected argument \"more\"");
}

TEST(Options, HelpHasEveryGroupAndFlag) {
  const std::string help = HelpText();
  for (const char* part :
       {"Census options:", "Collector options:", "Serving options:", "OTLP options:",
        "General options:", "--source ", "--no-collector.links", "--web.listen-address ", "dump "})
    EXPECT_THAT(help, HasSubstr(part));
}

TEST(Options, MetricProgramsNeedAFolderAndNames) {
  EXPECT_THAT(ErrorOf({"--config.names=a"}), HasSubstr("--config.names needs --config.dir"));
  EXPECT_THAT(ErrorOf({"--config.check"}), HasSubstr("--config.check needs"));
  EXPECT_THAT(ErrorOf({"--config.dir=d", "--config.names=a,b,a"}),
              HasSubstr("\"a\" is there twice"));
  EXPECT_THAT(ErrorOf({"--config.dir=d", "--config.names=a,,b"}), HasSubstr("an empty name"));
  EXPECT_THAT(ErrorOf({"--capabilities.keep=cap_bfp"}), HasSubstr("--capabilities.keep"));
}

TEST(Options, OnlyCheckTakesFiles) {
  EXPECT_THAT(ErrorOf({"check"}), HasSubstr("needs the name of a file"));
  EXPECT_EQ(ErrorOf({"run", "a.yaml"}), "unexpected argument \"a.yaml\"");
  EXPECT_THAT(ErrorOf({"--json"}), HasSubstr("for the command check"));
  EXPECT_THAT(ErrorOf({"check", "a.yaml", "--lode"}), HasSubstr("unknown flag --lode"));
}

}  // namespace
}  // namespace bpftally
