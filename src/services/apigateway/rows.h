// Rows of the store: JSON documents of the model.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "services/apigateway/model.h"

namespace lambari::apigateway {

// A row that is not what this version writes.
struct BadRow : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
std::string to_row(const T& value);
template <class T>
T from_row(std::string_view row);  // throws BadRow

extern template std::string to_row(const Api&);
extern template std::string to_row(const Route&);
extern template std::string to_row(const Integration&);
extern template std::string to_row(const Stage&);
extern template std::string to_row(const Deployment&);
extern template Api from_row<Api>(std::string_view);
extern template Route from_row<Route>(std::string_view);
extern template Integration from_row<Integration>(std::string_view);
extern template Stage from_row<Stage>(std::string_view);
extern template Deployment from_row<Deployment>(std::string_view);

}  // namespace lambari::apigateway
