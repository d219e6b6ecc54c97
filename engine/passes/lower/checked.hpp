// What a rule looks for, or in words why it is not there.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace titrate::engine::lowering {

/// Nothing: the rule holds and the node was lowered. Else which rule failed, in words that go on after "it stays float:".
using Refusal = std::optional<std::string>;

struct Failed {
  std::string why;
};

template <class T>
class Checked {
 public:
  Checked(T value) : value_(std::move(value)) {}               // NOLINT(google-explicit-constructor): as std::optional
  Checked(Failed failed) : refusal_(std::move(failed.why)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] explicit operator bool() const { return value_.has_value(); }
  [[nodiscard]] const T& operator*() const { return *value_; }
  [[nodiscard]] const T* operator->() const { return &*value_; }
  /// Only of one that failed.
  [[nodiscard]] const std::string& why() const { return refusal_; }

 private:
  std::optional<T> value_;
  std::string refusal_;
};

}  // namespace titrate::engine::lowering
