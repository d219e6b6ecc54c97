// Figures as words: the same number reads the same in every report. What is unknown or not finite is "".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuner/study/trial.hpp"

namespace titrate {

/// `significant` digits, written out between 0.0001 and a million, else with an exponent: "0.9876", "31.25", "1.25e-07".
[[nodiscard]] std::string rounded(double value, int significant);
/// A metric's value with four digits.
[[nodiscard]] std::string metric_text(const std::optional<double>& value);
/// With as many digits as it takes to look different from `reference` if it is different.
[[nodiscard]] std::string metric_text_apart(double value, double reference);

/// A loss in its own unit: "0.11 %" if relative, "0.0011" if absolute.
[[nodiscard]] std::string loss_text(const std::optional<double>& loss, LossKind kind);
/// With as many digits as it takes to look different from `reference` if it is different.
[[nodiscard]] std::string loss_text_apart(double loss, double reference, LossKind kind);
/// A trial's loss for a column of losses: always two decimals, or as many as tell it from the tolerable loss.
[[nodiscard]] std::string loss_figure(const TrialRecord& trial, const Goal& goal);

/// "11.0 KB"
[[nodiscard]] std::string bytes_text(const std::optional<std::int64_t>& bytes);
/// How many times smaller than the float model: "2.4", "12".
[[nodiscard]] std::string smaller_text(const std::optional<Baseline>& baseline, const std::optional<std::int64_t>& bytes);
/// "0.031 s", "4.20 s", "12 min 5 s"
[[nodiscard]] std::string seconds_text(double seconds);
/// "1.84 ms"; with noise "1.84 ±0.03 ms", or "1.84 +-0.03 ms" in plain characters.
[[nodiscard]] std::string latency_text(const std::optional<double>& milliseconds, const std::optional<double>& noise_ms = std::nullopt,
                                       bool unicode = true);
/// "31.2 dB"
[[nodiscard]] std::string decibel_text(const std::optional<double>& decibel);
/// "failed goal" for failed_goal.
[[nodiscard]] std::string state_text(TrialState state);
/// "1 trial", "3 trials"
[[nodiscard]] std::string count_text(std::size_t count, const std::string& singular);

/// The value of the metric that just reaches the goal.
[[nodiscard]] double goal_metric(const Baseline& baseline, const Goal& goal);
/// The trial's number if it is the best, for reports that mark it; 0 if there is none.
[[nodiscard]] int best_number(const StudyRecord& study);
/// Name of the metric, shortened if it is long (a command can be one) and free of control characters; "metric" while nothing is measured.
[[nodiscard]] std::string metric_name(const StudyRecord& study);
/// At most that many bytes of valid UTF-8, with "..." if something is left out.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t most_bytes);

}  // namespace titrate
