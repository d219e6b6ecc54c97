#include "reports/html/axis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "engine/base/text.hpp"

namespace titrate::html {

Axis::Axis(double low, double high, double from, double to) : low_(low), high_(high), from_(from), to_(to) {
  if (high_ > low_) return;
  const double margin = low_ == 0 ? 1 : std::abs(low_) * 0.01;
  low_ -= margin;
  high_ += margin;
}

double Axis::at(double value) const { return from_ + (std::clamp(value, low_, high_) - low_) / (high_ - low_) * (to_ - from_); }

std::vector<double> Axis::ticks(int wanted) const {
  const double raw = (high_ - low_) / wanted;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = power * 10;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= power * factor * 1.0001) {
      step = power * factor;
      break;
    }
  }
  std::vector<double> values;
  const double first = std::ceil(low_ / step - 1e-9);
  for (int index = 0; index < 10 * wanted; ++index) {
    const double value = (first + index) * step;
    if (value > high_ + step * 1e-9) break;
    values.push_back(value);
  }
  return values;
}

std::string tick_label(double value, const std::vector<double>& ticks) {
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : std::abs(value);
  if (step <= 0 || std::abs(value) >= 1e7 || step < 1e-6) return shortest(value);
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value == 0 ? 0.0 : value);
  return buffer.data();
}

Frame wide_frame(double width, double height) { return {.width = width, .height = height}; }

Frame narrow_frame(double height) { return {.width = 360, .height = height, .left = 58, .right = 10, .top = 14, .bottom = 44, .ticks = 4}; }

}  // namespace titrate::html
