#include "tuner/progress_display.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "engine/base/text.hpp"
#include "reports/text_table.hpp"

namespace titrate {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Goal goal{.tolerable_loss = 0.01, .loss = LossKind::relative, .higher_is_better = true, .objective = Objective::size};
const Baseline baseline{
    .metric_name = "top1", .metric = 0.9887, .samples = 9000, .size_bytes = 26512, .latency_ms = std::nullopt, .seconds = 2};

TrialRecord passed(int number, double metric, double seconds) {
  TrialRecord trial;
  trial.number = number;
  trial.config = "rtn(bits=4)";
  trial.metric = metric;
  trial.loss = loss_of(metric, baseline.metric, goal);
  trial.state = *trial.loss <= goal.tolerable_loss ? TrialState::passed : TrialState::failed_goal;
  trial.size_bytes = 11020;
  trial.seconds = seconds;
  return trial;
}

class ProgressDisplayTest : public testing::Test {
 protected:
  ProgressDisplay display(bool terminal, bool color = false, bool unicode = false) {
    ProgressDisplay made(stream_, {.terminal = terminal,
                                   .color = color,
                                   .unicode = unicode,
                                   .columns = [this] { return columns_; },
                                   .clock = [this] { return now_; }});
    made.begin(goal, {});
    return made;
  }
  // One trial that is done and one that is half way.
  void play(ProgressDisplay& display) {
    display.baseline_finished(baseline);
    display.trial_started(1, 3, "rtn(bits=4)");
    now_ += 40;
    const TrialRecord first = passed(1, 0.9876, 40);
    display.trial_finished(first, &first, goal, baseline);
    display.trial_started(2, 3, "static_int8(calibrator=entropy)");
    now_ += 10;
    display.phase("evaluate");
    now_ += 1;
    display.samples(4500, 9000);
  }
  // What stands on the screen: carriage returns overwrite.
  std::vector<std::string> screen() const {
    std::vector<std::string> lines;
    for (const std::string& line : split(stream_.str(), '\n')) {
      std::string shown;
      for (const std::string& layer : split(line, '\r')) shown.replace(0, layer.size(), layer);
      lines.emplace_back(shown.substr(0, shown.find_last_not_of(' ') + 1));
    }
    return lines;
  }

  std::ostringstream stream_;
  double now_ = 1000;
  int columns_ = 160;
};

TEST_F(ProgressDisplayTest, ALineSaysAllOfTheTrialInFlight) {
  ProgressDisplay shown = display(true);
  play(shown);
  // One trial took 40 s: 29 s are left of this one, 40 s for the next.
  EXPECT_EQ(screen().back(),
            "trial 2 of 3  static_int8(calibrator=entropy)  evaluate  4500/9000  [#####-----]  best 0.9876 (goal >= 0.9788)  ETA 1:09");
}

TEST_F(ProgressDisplayTest, AFinishedTrialStays) {
  ProgressDisplay shown = display(true);
  play(shown);
  EXPECT_EQ(screen().at(0), "float model  top1 0.9887  26.5 KB  2.00 s  goal >= 0.9788");
  EXPECT_EQ(screen().at(1), "trial 1  rtn(bits=4)  passed  top1 0.9876  loss 0.11 %  11.0 KB  40.0 s  best 0.9876 (goal >= 0.9788)");
}

TEST_F(ProgressDisplayTest, TheLineIsErasedForOthers) {
  ProgressDisplay shown = display(true);
  play(shown);
  shown.note("a note");
  EXPECT_EQ(screen().at(2), "a note");
  now_ += 1;
  shown.tick();
  EXPECT_THAT(screen().back(), HasSubstr("trial 2 of 3"));
  shown.finish();
  EXPECT_EQ(screen().back(), "");
  shown.tick();
  EXPECT_EQ(screen().back(), "");
}

TEST_F(ProgressDisplayTest, IsRedrawnTenTimesASecondAtMost) {
  ProgressDisplay shown = display(true);
  shown.trial_started(1, 1, "rtn()");
  for (int step = 0; step < 1024; ++step) {
    now_ += 1.0 / 512;
    shown.samples(step, 1024);
  }
  const std::string text = stream_.str();
  const auto redraws = std::count(text.begin(), text.end(), '\r');
  EXPECT_GE(redraws, 18);
  EXPECT_LE(redraws, 21);
}

TEST_F(ProgressDisplayTest, FitsEveryWidth) {
  // 91 columns with a config of 16 and no bar, and one that stays free.
  for (columns_ = 5; columns_ < 150; ++columns_) {
    stream_.str({});
    ProgressDisplay shown = display(true, false, true);
    play(shown);
    EXPECT_LT(text_width(screen().back()), columns_);
    EXPECT_TRUE(screen().back().starts_with("t"));
    EXPECT_EQ(screen().back().find("ETA 1:09") != std::string::npos, columns_ > 91) << columns_ << screen().back();
  }
}

TEST_F(ProgressDisplayTest, BlocksOfEighthsWhereUnicodeIs) {
  ProgressDisplay shown = display(true, false, true);
  shown.trial_started(1, 1, "rtn()");
  now_ += 1;
  shown.samples(25, 80);
  EXPECT_THAT(stream_.str(), HasSubstr("[███▏      ]"));
}

TEST_F(ProgressDisplayTest, ColorsOnlyWhereAskedFor) {
  ProgressDisplay shown = display(true, true);
  play(shown);
  EXPECT_THAT(stream_.str(), AllOf(HasSubstr("\x1b[32mpassed\x1b[0m"), HasSubstr("\x1b[1mtrial 2 of 3\x1b[0m")));
  stream_.str({});
  ProgressDisplay plain = display(true);
  play(plain);
  EXPECT_THAT(stream_.str(), Not(HasSubstr("\x1b")));
}

TEST_F(ProgressDisplayTest, WithoutATerminalThereAreLinesOnly) {
  ProgressDisplay shown = display(false);
  play(shown);
  for (int step = 0; step < 200; ++step) {
    now_ += 0.125;
    shown.tick();
  }
  shown.finish();
  EXPECT_EQ(stream_.str(),
            "float model  top1 0.9887  26.5 KB  2.00 s  goal >= 0.9788\n"
            "trial 1 of 3  rtn(bits=4)\n"
            "trial 1  rtn(bits=4)  passed  top1 0.9876  loss 0.11 %  11.0 KB  40.0 s  best 0.9876 (goal >= 0.9788)\n"
            "trial 2 of 3  static_int8(calibrator=entropy)\n"
            "  trial 2 of 3  evaluate  ETA 1:10\n"
            "  trial 2 of 3  evaluate  4500/9000  ETA 1:00\n"
            "  trial 2 of 3  evaluate  4500/9000  ETA 0:50\n");
}

TEST_F(ProgressDisplayTest, TextFromFilesIsMadeVisible) {
  for (const bool terminal : {true, false}) {
    stream_.str({});
    ProgressDisplay shown = display(terminal);
    shown.note("note\x1b[31m\n");
    shown.trial_started(1, 1, "rtn() | name:a\x1b]52;c\x07\r = float");
    now_ += 1;
    shown.phase("evaluate");
    TrialRecord broken;
    broken.number = 1;
    broken.config = "rtn\x1b()";
    broken.state = TrialState::error;
    broken.reason = "exit code 1:\n\x1b[2J\r";
    Baseline named = baseline;
    named.metric_name = "m\x1b";
    shown.trial_finished(broken, nullptr, goal, named);
    EXPECT_THAT(stream_.str(), AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07")), HasSubstr("rtn\\x1b()"), HasSubstr("\\x1b[2J")));
    if (!terminal) {
      EXPECT_THAT(stream_.str(), Not(HasSubstr("\r")));
    }
  }
}

TEST_F(ProgressDisplayTest, TheGoalFollowsTheDirectionOfTheMetric) {
  ProgressDisplay shown = display(false);
  shown.begin({.tolerable_loss = 0.5, .loss = LossKind::absolute, .higher_is_better = false, .objective = Objective::first}, {});
  Baseline error = baseline;
  error.metric_name = "python measure.py {model}";
  error.metric = 2;
  shown.baseline_finished(error);
  EXPECT_EQ(stream_.str(), "float model  metric 2.000  26.5 KB  2.00 s  goal <= 2.500\n");
}

TEST_F(ProgressDisplayTest, AStudyThatGoesOnKnowsItsBest) {
  ProgressDisplay shown = display(true);
  StudyRecord study;
  study.baseline = baseline;
  study.trials = {passed(1, 0.9, 1), passed(2, 0.98, 1)};
  shown.begin(goal, study);
  shown.trial_started(3, 12, "rtn()");
  EXPECT_EQ(screen().back(), "trial 3 of 12  rtn()  best 0.9800 (goal >= 0.9788)");
}

}  // namespace
}  // namespace titrate
