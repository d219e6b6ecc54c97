// Small networks of convolutions for tests, written by names.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {

/// `Self`: the class derived from it, which its functions return for the next call.
template <class Self>
class ConvolutionalSketch : public Sketch {
 public:
  /// An input "x"; where a size is -1, what is fed has 13.
  explicit ConvolutionalSketch(Shape input, int opset = 13) : Sketch(opset), fed_(input) {
    std::replace(fed_.begin(), fed_.end(), std::int64_t{-1}, std::int64_t{13});
    this->input("x", std::move(input));
  }

  Self& node(const std::string& type, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
             std::vector<Attribute> attributes = {}) {
    Sketch::node(type, inputs, outputs, std::move(attributes));
    return static_cast<Self&>(*this);
  }
  Self& output(const std::string& name, DataType type = DataType::float32) {
    Sketch::output(name, type);
    return static_cast<Self&>(*this);
  }
  /// A square window that keeps the sizes.
  Self& conv(const std::string& from, const std::string& to, std::int64_t channels, std::int64_t filters, std::int64_t kernel = 3,
             std::int64_t group = 1) {
    ++seed_;
    const std::int64_t pad = kernel / 2;
    constant(to + "_w", numbers({filters, channels / group, kernel, kernel}, seed_, 0.25F)).constant(to + "_b", numbers({filters}, seed_));
    return node("Conv", {from, to + "_w", to + "_b"}, {to}, {ints("pads", {pad, pad, pad, pad}), one("group", group)});
  }

  [[nodiscard]] const Shape& fed() const { return fed_; }

 private:
  Shape fed_;
  std::uint32_t seed_ = 1;
};

}  // namespace titrate::engine
