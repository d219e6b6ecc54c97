#include "reports/html/network_chart.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/html/axis.hpp"
#include "reports/html/markup.hpp"

namespace titrate::html {
namespace {

constexpr double most_db = 60;         // 8 bits reach about 50 dB; what is above is as good as float
constexpr double letter_height = 7.2;  // of a name that stands upright below its layer
constexpr double room_for_point = 4;   // pixels that a layer must have to get a point on the line
constexpr double room_for_name = 15;   // pixels that a layer must have for it
constexpr std::size_t most_letters = 16;

bool is_drawn(const std::optional<double>& decibel) { return decibel && std::isfinite(*decibel); }

double least_db(const NetworkChart& chart) {
  double least = 0;
  for (const NetworkSeries& series : chart.series) {
    for (const std::optional<double>& decibel : series.decibels) {
      if (is_drawn(decibel)) least = std::min(least, *decibel);
    }
  }
  return std::max(least, -20.0);
}

double greatest_db(const NetworkChart& chart) {
  double greatest = 10;
  for (const NetworkSeries& series : chart.series) {
    for (const std::optional<double>& decibel : series.decibels) {
      if (is_drawn(decibel)) greatest = std::max(greatest, std::min(*decibel, most_db));
    }
  }
  return greatest * 1.05;
}

// The end of a name tells layers apart, the beginning is often the same.
std::string short_name(const std::string& name) {
  if (name.size() <= most_letters) return name;
  std::size_t begin = name.size() - most_letters + 1;
  while (begin < name.size() && (static_cast<unsigned char>(name[begin]) & 0xc0) == 0x80) ++begin;
  return "…" + name.substr(begin);
}

class Drawing {
 public:
  Drawing(const NetworkChart& chart, Frame frame, std::string_view name)
      : chart_(chart),
        frame_(shaped(chart, frame)),
        name_(name),
        step_((frame_.end_x() - frame_.left) / static_cast<double>(std::max<std::size_t>(chart.layers.size(), 1))),
        y_(least_db(chart), greatest_db(chart), frame_.end_y(), frame_.top) {}

  [[nodiscard]] std::string svg() const {
    std::string text = cat("<svg class=\"", name_, " network\" viewBox=\"0 0 ", coordinate(frame_.width), " ", coordinate(frame_.height),
                           "\" role=\"img\" aria-labelledby=\"", chart_.id, "-", name_, "\">\n<title id=\"", chart_.id, "-", name_, "\">",
                           escaped(chart_.title), "</title>\n", grid(), names());
    for (const NetworkSeries& series : chart_.series) text += series.kind == "alone" ? bars(series) : line(series);
    return text + "</svg>\n";
  }

 private:
  static bool has_names(const NetworkChart& chart, const Frame& frame) {
    return static_cast<double>(chart.layers.size()) * room_for_name <= frame.end_x() - frame.left;
  }

  static Frame shaped(const NetworkChart& chart, Frame frame) {
    if (!has_names(chart, frame)) return frame;
    std::size_t longest = 0;
    for (const std::string& layer : chart.layers) longest = std::max(longest, std::min(layer.size(), most_letters));
    const double more = letter_height * static_cast<double>(longest) + 14 - frame.bottom;
    frame.bottom += more;
    frame.height += more;
    return frame;
  }

  [[nodiscard]] double x(std::size_t layer) const { return frame_.left + (static_cast<double>(layer) + 0.5) * step_; }

  [[nodiscard]] std::string grid() const {
    std::string text = "<g class=\"grid\">\n";
    const std::vector<double> levels = y_.ticks(5);
    for (const double level : levels) {
      const std::string y = coordinate(y_.at(level));
      text += cat("<line x1=\"", coordinate(frame_.left), "\" x2=\"", coordinate(frame_.end_x()), "\" y1=\"", y, "\" y2=\"", y,
                  "\"/><text x=\"", coordinate(frame_.left - 7), "\" y=\"", y, "\" dy=\"4\" text-anchor=\"end\">",
                  tick_label(level, levels), "</text>\n");
    }
    const std::string middle = coordinate((frame_.top + frame_.end_y()) / 2);
    return text + cat("<text class=\"axis\" x=\"9\" y=\"", middle, "\" text-anchor=\"middle\" transform=\"rotate(-90 9 ", middle,
                      ")\">SQNR, dB</text>\n</g>\n");
  }

  // Names where there is room for them, else the number of layers.
  [[nodiscard]] std::string names() const {
    if (!has_names(chart_, frame_)) {
      return cat("<text class=\"axis\" x=\"", coordinate((frame_.left + frame_.end_x()) / 2), "\" y=\"", coordinate(frame_.height - 8),
                 "\" text-anchor=\"middle\">", count_text(chart_.layers.size(), "layer"), ", from the first to the last</text>\n");
    }
    std::string text = "<g class=\"names\">\n";
    for (std::size_t layer = 0; layer < chart_.layers.size(); ++layer) {
      const std::string place = cat(coordinate(x(layer) + 4), " ", coordinate(frame_.end_y() + 8));
      text += cat("<text class=\"", layer == chart_.worst ? "worst" : "", "\" text-anchor=\"end\" transform=\"translate(", place,
                  ") rotate(-90)\">", escaped(short_name(chart_.layers[layer])), "</text>\n");
    }
    return text + "</g>\n";
  }

  [[nodiscard]] std::string tip(const NetworkSeries& series, std::size_t layer) const {
    return cat("<title>", escaped(chart_.layers[layer]), ", ", escaped(series.name), ": ", escaped(decibel_text(series.decibels[layer])),
               "</title>");
  }

  [[nodiscard]] double height(double decibel) const { return y_.at(std::min(decibel, most_db)); }

  [[nodiscard]] std::string bars(const NetworkSeries& series) const {
    std::string text = cat("<g class=\"", series.kind, "\">\n");
    const double width = std::clamp(step_ * 0.6, 1.0, 26.0);
    for (std::size_t layer = 0; layer < series.decibels.size(); ++layer) {
      if (!is_drawn(series.decibels[layer])) continue;
      const double top = height(*series.decibels[layer]);
      const double zero = y_.at(0);
      text += cat("<rect class=\"", layer == chart_.worst ? "worst" : "", "\" x=\"", coordinate(x(layer) - width / 2), "\" y=\"",
                  coordinate(std::min(top, zero)), "\" width=\"", coordinate(width), "\" height=\"",
                  coordinate(std::max(1.0, std::abs(zero - top))), "\">", tip(series, layer), "</rect>\n");
    }
    return text + "</g>\n";
  }

  [[nodiscard]] std::string line(const NetworkSeries& series) const {
    std::string path;
    std::string points;
    bool open = false;
    for (std::size_t layer = 0; layer < series.decibels.size(); ++layer) {
      const bool drawn = is_drawn(series.decibels[layer]);
      if (drawn) {
        const std::string place = cat(coordinate(x(layer)), " ", coordinate(height(*series.decibels[layer])));
        path += cat(open ? "L" : "M", place);
        if (step_ >= room_for_point)
          points +=
              cat("<circle transform=\"translate(", place, ")\" r=\"", step_ < 8 ? "2" : "3.2", "\">", tip(series, layer), "</circle>\n");
      }
      open = drawn;
    }
    return cat("<g class=\"", series.kind, "\"><path d=\"", path, "\"/>\n", points, "</g>\n");
  }

  const NetworkChart& chart_;
  Frame frame_;
  std::string_view name_;
  double step_;
  Axis y_;
};

}  // namespace

std::string network_figure(const NetworkChart& chart) {
  std::string text = cat("<figure>\n", Drawing(chart, wide_frame(1072, 250), "wide").svg(),
                         Drawing(chart, narrow_frame(240), "narrow").svg(), "<figcaption class=\"legend\">");
  for (const NetworkSeries& series : chart.series) text += cat("<span class=\"key ", series.kind, "\">", escaped(series.name), "</span>");
  if (chart.worst) text += cat("<span class=\"key worst\">worst: ", escaped(chart.layers[*chart.worst]), "</span>");
  return text + "</figcaption>\n</figure>\n";
}

}  // namespace titrate::html
