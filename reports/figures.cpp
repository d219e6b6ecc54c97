#include "reports/figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "engine/base/text.hpp"

namespace titrate {

namespace {

std::string printed(const char* format, int digits, double value) {
  std::array<char, 64> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, digits, value);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

// A minus sign before nothing but zeros says nothing.
std::string without_negative_zero(std::string text) {
  if (text.starts_with('-') && text.find_first_of("123456789") == std::string::npos) text.erase(0, 1);
  return text;
}

std::string fixed(double value, int decimals) { return without_negative_zero(printed("%.*f", decimals, value)); }

// "1.00" -> "1"
std::string without_trailing_zeros(std::string text) {
  if (text.find('.') == std::string::npos || text.find('e') != std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

constexpr int metric_digits = 4;
constexpr int most_digits = 17;  // tell any two doubles apart

std::string loss_with(double loss, LossKind kind, int decimals) {
  return kind == LossKind::relative ? cat(fixed(loss * 100, decimals), " %") : rounded(loss, decimals + 1);
}

// "1.00 %" -> "1 %"
std::string short_loss(std::string text) {
  const std::size_t end = text.find(' ');
  return end == std::string::npos ? without_trailing_zeros(text) : cat(without_trailing_zeros(text.substr(0, end)), text.substr(end));
}

int decimals_apart(double loss, double reference, LossKind kind, int decimals) {
  while (loss != reference && decimals < most_digits && loss_with(loss, kind, decimals) == loss_with(reference, kind, decimals)) ++decimals;
  return decimals;
}

constexpr int loss_decimals = 2;

}  // namespace

std::string rounded(double value, int significant) {
  if (!std::isfinite(value)) return {};
  if (value == 0) return fixed(0, std::min(significant, 17) - 1);
  const double magnitude = std::abs(value);
  if (magnitude < 1e-4 || magnitude >= 1e6) return printed("%.*g", significant, value);
  const int before = magnitude < 1 ? 0 : static_cast<int>(std::floor(std::log10(magnitude))) + 1;
  return fixed(value, std::max(0, significant - before));
}

std::string metric_text(const std::optional<double>& value) { return value ? rounded(*value, metric_digits) : std::string(); }

std::string metric_text_apart(double value, double reference) {
  int digits = metric_digits;
  while (value != reference && digits < most_digits && rounded(value, digits) == rounded(reference, digits)) ++digits;
  return rounded(value, digits);
}

std::string loss_text(const std::optional<double>& loss, LossKind kind) {
  return loss && std::isfinite(*loss) ? short_loss(loss_with(*loss, kind, loss_decimals)) : std::string();
}

std::string loss_text_apart(double loss, double reference, LossKind kind) {
  if (!std::isfinite(loss)) return {};
  return short_loss(loss_with(loss, kind, decimals_apart(loss, reference, kind, loss_decimals)));
}

std::string loss_figure(const TrialRecord& trial, const Goal& goal) {
  if (!trial.loss || !std::isfinite(*trial.loss)) return {};
  return loss_with(*trial.loss, goal.loss, decimals_apart(*trial.loss, goal.tolerable_loss, goal.loss, loss_decimals));
}

std::string bytes_text(const std::optional<std::int64_t>& bytes) {
  return bytes && *bytes >= 0 ? human_bytes(static_cast<std::uint64_t>(*bytes)) : std::string();
}

std::string smaller_text(const std::optional<Baseline>& baseline, const std::optional<std::int64_t>& bytes) {
  if (!baseline || baseline->size_bytes <= 0 || !bytes || *bytes <= 0) return {};
  const double ratio = static_cast<double>(baseline->size_bytes) / static_cast<double>(*bytes);
  return fixed(ratio, ratio < 0.995 ? 2 : ratio < 9.95 ? 1 : 0);
}

std::string seconds_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return {};
  if (seconds < 99.95) return cat(fixed(seconds, seconds < 0.0995 ? 3 : seconds < 9.995 ? 2 : 1), " s");
  const auto whole = static_cast<std::int64_t>(std::llround(std::min(seconds, 1e15)));
  if (whole < 3600) return cat(whole / 60, " min ", whole % 60, " s");
  return cat(whole / 3600, " h ", whole / 60 % 60, " min");
}

std::string latency_text(const std::optional<double>& milliseconds, const std::optional<double>& noise_ms, bool unicode) {
  if (!milliseconds || !std::isfinite(*milliseconds)) return {};
  const std::string median = rounded(*milliseconds, 3);
  if (!noise_ms || !std::isfinite(*noise_ms)) return cat(median, " ms");
  // To as many decimals as the median has.
  const std::size_t point = median.find('.');
  const int decimals = point == std::string::npos ? 0 : static_cast<int>(median.size() - point - 1);
  return cat(median, unicode ? " ±" : " +-", fixed(*noise_ms, decimals), " ms");
}

std::string decibel_text(const std::optional<double>& decibel) {
  return decibel && std::isfinite(*decibel) ? cat(fixed(*decibel, 1), " dB") : std::string();
}

std::string state_text(TrialState state) {
  std::string text(name_of(state));
  std::ranges::replace(text, '_', ' ');
  return text;
}

std::string count_text(std::size_t count, const std::string& singular) { return cat(count, " ", singular, count == 1 ? "" : "s"); }

double goal_metric(const Baseline& baseline, const Goal& goal) {
  const double allowed = goal.tolerable_loss * (goal.loss == LossKind::relative ? std::abs(baseline.metric) : 1.0);
  return goal.higher_is_better ? baseline.metric - allowed : baseline.metric + allowed;
}

int best_number(const StudyRecord& study) {
  const TrialRecord* best = best_trial(study.trials, study.goal.objective);
  return best == nullptr ? 0 : best->number;
}

std::string metric_name(const StudyRecord& study) {
  if (!study.baseline || study.baseline->metric_name.empty()) return "metric";
  constexpr std::size_t most = 28;
  return shortened(visible(study.baseline->metric_name), most);
}

std::string shortened(const std::string& text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  std::size_t end = most_bytes - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace titrate
