#include "reports/json_document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/text.hpp"
#include "reports/report.hpp"
#include "tests/reports/example_study.hpp"

namespace titrate {
namespace {

using nlohmann::json;

TEST(JsonReport, HoldsTheStudyInFull) {
  StudyRecord study = example::everyday();
  study.trials[3].metric = 0.1 + 0.2;
  const json document = json::parse(trials_json(study));
  EXPECT_EQ(document["schema"], 1);
  EXPECT_EQ(document["verdict"], "met");
  EXPECT_EQ(document["best"], 4);
  EXPECT_EQ(document["baseline"]["metric"], 0.9887);
  EXPECT_EQ(document["baseline"]["size_bytes"], 26512);
  EXPECT_EQ(document["baseline"]["name"], "top1");
  EXPECT_EQ(document["baseline"]["samples"], 10000);
  ASSERT_EQ(document["trials"].size(), 8U);
  const json& trial = document["trials"][3];
  EXPECT_EQ(trial["number"], 4);
  EXPECT_EQ(trial["config"], "rtn(sym=false)");
  EXPECT_EQ(trial["state"], "passed");
  EXPECT_EQ(trial["metric"].get<double>(), 0.1 + 0.2);
  EXPECT_EQ(trial["loss"].get<double>(), *study.trials[3].loss);
  EXPECT_EQ(trial["layers"][1]["sqnr_db"], 28.5);
  EXPECT_EQ(trial["phases"][2]["phase"], "evaluate");
  EXPECT_EQ(document["goal"]["objective"], "size");
  EXPECT_EQ(document["identity"]["seed"], "0");
  EXPECT_EQ(document["provenance"]["cpu"], "AMD EPYC");
  EXPECT_EQ(document["command"], study.command);
}

TEST(JsonReport, UnknownIsNull) {
  const json trial = trial_json(example::everyday().trials[7]);
  for (const char* key : {"metric", "loss", "samples_evaluated", "size_bytes", "latency_ms", "reason"}) {
    ASSERT_TRUE(trial.contains(key)) << key;
    EXPECT_TRUE(trial[key].is_null()) << key;
  }
  const json document = json::parse(trials_json(StudyRecord{}));
  for (const char* key : {"baseline", "best", "verdict", "output", "command"}) EXPECT_TRUE(document.at(key).is_null()) << key;
  EXPECT_EQ(document["trials"], json::array());
  const json odd = json::parse(trials_json(example::not_finite()));
  EXPECT_TRUE(odd["trials"][0]["metric"].is_null());
  EXPECT_TRUE(odd["trials"][3]["layers"][1]["sqnr_db"].is_null());
}

TEST(JsonReport, NamesComeBackWhole) {
  const std::string valid = "ESC \x1b, C1 \xc2\x9b, bidi \xe2\x80\xae, quotes \"\\, é 層";
  StudyRecord study = example::everyday();
  study.trials[0].config = valid;
  const std::string text = trials_json(study);
  EXPECT_EQ(json::parse(text)["trials"][0]["config"], valid);
  EXPECT_THAT(text, testing::HasSubstr("\\u001b"));
  EXPECT_THAT(text, testing::HasSubstr("\\u009b"));
  EXPECT_THAT(text, testing::HasSubstr("\\u202e"));
}

TEST(JsonReport, BytesThatAreNoTextAreReplaced) {
  const json document = json::parse(trials_json(example::hostile()));
  EXPECT_THAT(document["trials"][0]["config"].get<std::string>(), testing::EndsWith("@someone \xef\xbf\xbd\xef\xbf\xbd"));
}

}  // namespace
}  // namespace titrate
