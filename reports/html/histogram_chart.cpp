#include "reports/html/histogram_chart.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/html/axis.hpp"
#include "reports/html/markup.hpp"

namespace titrate::html {
namespace {

Frame small_frame() { return {.width = 340, .height = 150, .left = 8, .right = 8, .top = 10, .bottom = 24, .ticks = 4}; }

std::string rectangle(const char* kind, double left, double right, double top, double bottom) {
  return cat("<rect class=\"", kind, "\" x=\"", coordinate(left), "\" y=\"", coordinate(top), "\" width=\"",
             coordinate(std::max(0.0, right - left)), "\" height=\"", coordinate(std::max(0.0, bottom - top)), "\"/>\n");
}

std::string bars(const Histogram& histogram, const Axis& x, const Frame& frame) {
  const std::uint64_t most = histogram.counts.empty() ? 0 : *std::max_element(histogram.counts.begin(), histogram.counts.end());
  const Axis y(0, std::log1p(static_cast<double>(most)), frame.end_y(), frame.top);
  const double width = (histogram.high - histogram.low) / static_cast<double>(std::max<std::size_t>(histogram.counts.size(), 1));
  std::string text;
  for (std::size_t bin = 0; bin < histogram.counts.size(); ++bin) {
    if (histogram.counts[bin] == 0) continue;
    const double left = histogram.low + static_cast<double>(bin) * width;
    text += rectangle("bin", x.at(left), x.at(left + width), y.at(std::log1p(static_cast<double>(histogram.counts[bin]))), frame.end_y());
  }
  return text;
}

std::string clipping(const Histogram& histogram, const Axis& x, const Frame& frame) {
  std::string text;
  const auto line = [&](double value) {
    const std::string place = coordinate(x.at(value));
    text += cat("<line class=\"clip\" x1=\"", place, "\" x2=\"", place, "\" y1=\"", coordinate(frame.top - 4), "\" y2=\"",
                coordinate(frame.end_y()), "\"/>\n");
  };
  if (histogram.clip_low) {
    text += rectangle("clipped", x.at(x.low()), x.at(*histogram.clip_low), frame.top, frame.end_y());
    line(*histogram.clip_low);
  }
  if (histogram.clip_high) {
    text += rectangle("clipped", x.at(*histogram.clip_high), x.at(x.high()), frame.top, frame.end_y());
    line(*histogram.clip_high);
  }
  return text;
}

std::string caption(const Histogram& histogram) {
  std::string text = cat("<b>", escaped(histogram.title), "</b> from ", rounded(histogram.low, 3), " to ", rounded(histogram.high, 3));
  if (histogram.clip_low && histogram.clip_high)
    text += cat("; codes from ", rounded(*histogram.clip_low, 3), " to ", rounded(*histogram.clip_high, 3));
  return text;
}

}  // namespace

std::string histogram_figure(const Histogram& histogram) {
  const Frame frame = small_frame();
  const Axis x(std::min(histogram.low, histogram.clip_low.value_or(histogram.low)),
               std::max(histogram.high, histogram.clip_high.value_or(histogram.high)), frame.left, frame.end_x());
  std::string text = cat("<figure class=\"histogram\"><svg viewBox=\"0 0 ", coordinate(frame.width), " ", coordinate(frame.height),
                         "\" role=\"img\" aria-label=\"histogram of ", escaped(histogram.title), "\">\n", clipping(histogram, x, frame),
                         bars(histogram, x, frame), "<g class=\"grid\">\n");
  const std::vector<double> ticks = x.ticks(frame.ticks);
  for (const double tick : ticks) {
    text += cat("<text x=\"", coordinate(x.at(tick)), "\" y=\"", coordinate(frame.end_y() + 16), "\" text-anchor=\"middle\">",
                tick_label(tick, ticks), "</text>\n");
  }
  return text + cat("</g></svg><figcaption>", caption(histogram), "</figcaption></figure>\n");
}

}  // namespace titrate::html
