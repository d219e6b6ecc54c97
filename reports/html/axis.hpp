// A linear axis of a chart: from values to coordinates, with ticks at round values.
#pragma once

#include <string>
#include <vector>

namespace titrate::html {

class Axis {
 public:
  /// Values from `low` to `high` lie between the coordinates `from` and `to`. An empty range is widened.
  Axis(double low, double high, double from, double to);

  [[nodiscard]] double at(double value) const;
  [[nodiscard]] double low() const { return low_; }
  [[nodiscard]] double high() const { return high_; }
  /// Multiples of 1, 2 or 5 times a power of ten within the range, about `wanted` of them.
  [[nodiscard]] std::vector<double> ticks(int wanted) const;

 private:
  double low_;
  double high_;
  double from_;
  double to_;
};

/// The tick's label: with the decimals that tell it from its neighbours.
[[nodiscard]] std::string tick_label(double value, const std::vector<double>& ticks);

/// Where a chart's plot lies in its picture.
struct Frame {
  double width = 760;
  double height = 380;
  double left = 64;
  double right = 18;
  double top = 16;
  double bottom = 46;
  int ticks = 6;  ///< wanted along the horizontal axis

  [[nodiscard]] double end_x() const { return width - right; }
  [[nodiscard]] double end_y() const { return height - bottom; }
};

/// For a screen, and for a phone held upright. The widths are those of the page's columns, so that text keeps its size.
[[nodiscard]] Frame wide_frame(double width, double height);
[[nodiscard]] Frame narrow_frame(double height);

}  // namespace titrate::html
