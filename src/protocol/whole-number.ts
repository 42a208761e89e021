/** A whole number in decimal, from 0 to 9,999,999,999,999,999, without leading zeros: as parameters of a URL have it. */
export const WHOLE_NUMBER = /^(0|[1-9]\d{0,15})$/;
