// The families of operators, one file each. A new operator is a row in its family's file; a new family is a file, a line here and one in
// table.cpp.
#pragma once

#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

using Family = std::span<const OperatorDefinition>;

Family activation();
Family arithmetic();
Family comparison();
Family logic();
Family math();
Family variadic();

}  // namespace titrate::engine::ops
