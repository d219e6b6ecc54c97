#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "engine/base/text.hpp"
#include "reports/html/axis.hpp"
#include "reports/html/markup.hpp"
#include "reports/html/script.hpp"
#include "reports/html/script_hash.hpp"
#include "reports/report.hpp"
#include "tests/reports/example_study.hpp"

namespace titrate {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string page_of(const StudyRecord& study) { return report_named("html").render(study, {}); }

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from);
  if (begin == std::string::npos) return {};
  const std::size_t end = text.find(to, begin + from.size());
  return text.substr(begin + from.size(), end - begin - from.size());
}

// The page's tags with the names of their attributes; fails if they don't nest, or if an attribute is not in double quotes.
struct Tags {
  explicit Tags(const std::string& page) { read(page); }

  void read(const std::string& page) {
    static const std::set<std::string> empty{"meta", "link"};
    std::vector<std::string> open;
    std::size_t at = 0;
    while ((at = page.find('<', at)) != std::string::npos) {
      const std::size_t end = page.find('>', at);
      const std::string tag = page.substr(at + 1, end - at - 1);
      at = end;
      if (tag.starts_with('!')) continue;
      if (tag.starts_with('/')) {
        ASSERT_FALSE(open.empty()) << tag;
        ASSERT_EQ(open.back(), tag.substr(1));
        open.pop_back();
        continue;
      }
      const std::string name = tag.substr(0, tag.find_first_of(" /"));
      add_attributes(name, tag.substr(name.size()));
      if (empty.contains(name) || tag.ends_with('/')) continue;
      open.push_back(name);
      if (name == "script" || name == "style") at = page.find("</" + name, at) - 1;
    }
    EXPECT_TRUE(open.empty());
  }

  void add_attributes(const std::string& name, std::string rest) {
    static const std::regex attribute("^ ([a-zA-Z0-9:-]+)(=\"[^\"<>]*\")?");
    kinds.insert(name);
    std::smatch match;
    while (std::regex_search(rest, match, attribute)) {
      kinds.insert(name + " " + match[1].str());
      rest = match.suffix();
    }
    EXPECT_TRUE(rest.empty() || rest == "/") << name << rest;
  }

  std::set<std::string> kinds;
};

TEST(HtmlReport, IsOneWholePage) {
  const std::string page = page_of(example::everyday());
  EXPECT_THAT(page, testing::StartsWith("<!doctype html>\n<html lang=\"en\">"));
  EXPECT_THAT(page, testing::EndsWith("</html>\n"));
  const Tags tags(page);
  for (const char* outward : {"script src", "img", "iframe", "object", "embed", "form", "a"})
    EXPECT_FALSE(tags.kinds.contains(outward)) << outward;
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
}

TEST(HtmlReport, TheVerdictComesFirst) {
  const std::string page = page_of(example::everyday());
  const std::string body = page.substr(page.find("<body>"));
  EXPECT_THAT(between(body, "<h1", "</h1>"), HasSubstr("Met:</strong> <code>rtn(sym=false)</code> keeps top1 at 0.9876"));
  EXPECT_LT(body.find("<h1"), body.find("<svg"));
}

TEST(HtmlReport, OnlyItsOwnScriptMayRun) {
  // The example of the Content Security Policy specification.
  EXPECT_EQ(html::script_hash("alert('Hello, world.');"), "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
  const std::string page = page_of(example::everyday());
  EXPECT_THAT(page, HasSubstr("default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '" +
                              html::script_hash(html::script) + "';"));
  EXPECT_EQ(between(page, "<script>", "</script>"), html::script);
}

TEST(HtmlReport, EveryTrialIsInTheChartTheTableAndTheTimeline) {
  const StudyRecord study = example::everyday();
  const std::string page = page_of(study);
  const std::string chart = between(page, "<section id=\"chart\"", "</section>");
  const std::string table = between(page, "<section id=\"trials\"", "</section>");
  const std::string timeline = between(page, "<section id=\"timeline\"", "</section>");
  for (const TrialRecord& trial : study.trials) {
    const std::string mark = cat("data-trial=\"", trial.number, "\"");
    EXPECT_EQ(chart.find(mark) != std::string::npos, trial.metric.has_value()) << trial.number;
    EXPECT_THAT(table, HasSubstr(mark));
    EXPECT_THAT(timeline, HasSubstr(mark));
    EXPECT_THAT(table, HasSubstr(">" + trial.config));
  }
  EXPECT_THAT(chart, HasSubstr("2 without a result, not drawn"));
  EXPECT_THAT(chart, HasSubstr("goal 0.9788"));
  EXPECT_THAT(between(page, "<section id=\"failures\"", "</section>"), HasSubstr("Traceback (most recent call last):\n  ValueError"));
  EXPECT_THAT(between(page, "<section id=\"provenance\"", "</section>"), HasSubstr("--data &#39;digits data.json&#39;"));
}

TEST(HtmlReport, TheScriptFindsTheLayersOfEveryTrial) {
  const StudyRecord study = example::everyday();
  const nlohmann::json data = nlohmann::json::parse(between(page_of(study), "id=\"study\">", "</script>"));
  EXPECT_EQ(data["best"], 4);
  EXPECT_EQ(data["rows"].size(), 13U);  // conv1's row is the same in all six, conv2's and fc's are not
  for (std::size_t index = 0; index < study.trials.size(); ++index) {
    const nlohmann::json& trial = data["trials"][index];
    ASSERT_EQ(trial["rows"].size(), study.trials[index].layers.size());
    for (std::size_t layer = 0; layer < trial["rows"].size(); ++layer) {
      EXPECT_EQ(data["rows"][trial["rows"][layer].get<std::size_t>()][0], study.trials[index].layers[layer].name);
    }
  }
}

TEST(HtmlReport, HostileNamesAddNoMarkup) {
  StudyRecord harmless = example::hostile();
  const std::string name = example::hostile_name();
  const std::string page = page_of(harmless);
  const std::set<std::string> known = Tags(page_of(example::everyday())).kinds;
  for (const std::string& kind : Tags(page).kinds) EXPECT_TRUE(known.contains(kind)) << kind;
  EXPECT_EQ(page.find("<script", page.find("<script", page.find("<script") + 1) + 1), std::string::npos);
  EXPECT_THAT(page, Not(HasSubstr("<!--")));
  const nlohmann::json data = nlohmann::json::parse(between(page, "id=\"study\">", "</script>"));
  EXPECT_THAT(data["trials"][0]["config"].get<std::string>(), HasSubstr("<script>alert(1)</script>"));
}

TEST(HtmlReport, TheFullConfigOfTheBestIsThereHoweverLong) {
  StudyRecord study = example::everyday();
  study.trials[3].config = "rtn()";
  for (int node = 0; node < 60; ++node) study.trials[3].config += cat(" | name:node_", node, " = float");
  EXPECT_THAT(page_of(study), HasSubstr(study.trials[3].config));
}

TEST(HtmlReport, AThousandTrialsStaySmall) {
  const std::string page = page_of(example::many(1000));
  EXPECT_LT(page.size(), 4'000'000U);
  const Tags tags(page);
  EXPECT_TRUE(tags.kinds.contains("svg"));
}

TEST(HtmlReport, EmptyStudiesHaveTheirPage) {
  const std::string page = page_of(StudyRecord{});
  const Tags tags(page);
  EXPECT_FALSE(tags.kinds.contains("svg"));
  EXPECT_THAT(page, HasSubstr("No trials yet"));
}

TEST(HtmlMarkup, Escapes) {
  EXPECT_EQ(html::escaped("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(html::escaped("\x1b\n"), "\\x1b\\x0a");
  EXPECT_EQ(html::escaped_lines("a\n<"), "a\n&lt;");
  EXPECT_EQ(html::coordinate(1.0 / 3), "0.33");
  EXPECT_EQ(html::coordinate(-0.001), "0");
}

TEST(HtmlAxis, TicksAreRoundNumbers) {
  const html::Axis axis(0, 26.5, 100, 200);
  EXPECT_EQ(axis.ticks(6), (std::vector<double>{0, 5, 10, 15, 20, 25}));
  EXPECT_DOUBLE_EQ(axis.at(13.25), 150);
  EXPECT_DOUBLE_EQ(axis.at(1000), 200);  // what is outside lies on the edge
  const html::Axis narrow(0.9701, 0.9887, 0, 1);
  EXPECT_EQ(html::tick_label(0.975, narrow.ticks(4)), "0.975");
  const html::Axis point(5, 5, 0, 1);
  EXPECT_DOUBLE_EQ(point.at(5), 0.5);
}

}  // namespace
}  // namespace titrate
